package hf

import (
	"math"

	"github.com/longspan/longspan/model/spec"
)

// rotary is the rotary encoding of the layers of one type.
type rotary struct {
	base    float64
	scaling *spec.RotaryScaling
}

// rotary reads the encoding of the layers of a type, such as full_attention. Version 4 has the base under a key of its own and the scaling
// under rope_scaling. Version 5 has both under rope_parameters, which may be split by types of layers.
//
// absent is the base that transformers takes for the family where a configuration of version 4 has none.
func (c *config) rotary(layerType, baseKey string, absent float64, positions int) rotary {
	if f := c.number("partial_rotary_factor", 1); f != 1 {
		c.fail("partial_rotary_factor", "found %g, expected 1: this program rotates all features of a head", f)
	}
	base := c.number(baseKey, absent)
	if p := c.object("rope_parameters"); p != nil {
		return c.rotaryOfVersion5(p, layerType, baseKey, positions)
	}
	if !c.has(baseKey) {
		c.missingBase(baseKey, absent)
	}
	scaling := c.object("rope_scaling")
	if scaling == nil {
		return c.checked(rotary{base: base}, nil)
	}
	return c.checked(rotary{base, scaling.scaling(positions)}, scaling)
}

// rotaryOfVersion5 is rotary of rope_parameters.
func (c *config) rotaryOfVersion5(p *config, layerType, baseKey string, positions int) rotary {
	if p.has(fullAttention) || p.has(slidingAttention) {
		if p = p.object(layerType); p == nil {
			c.fail("rope_parameters", "found none for the type of layers %s, expected them", layerType)
			return rotary{base: 10000}
		}
	}
	if !p.has("rope_theta") {
		c.fail("rope_parameters", "found no rope_theta, expected the base of the rotary encoding")
	}
	base := p.number("rope_theta", 10000)
	if old := c.number(baseKey, base); old != base {
		c.fail(baseKey, "found %g, and %g in rope_parameters, expected one number: version 4 of transformers takes the first, 5 the second",
			old, base)
	}
	return c.checked(rotary{base, p.scaling(positions)}, p)
}

// missingBase notes or refuses a configuration without a base. Files of the first Llama models have none, and mean 10,000.
func (c *config) missingBase(key string, absent float64) {
	if absent == 0 {
		c.fail(key, "found none, expected the base of the rotary encoding: what transformers would take is not what models of this family have")
		return
	}
	c.note("config.json has no %s; the base of the rotary encoding is %g, as in the first models of the family", key, absent)
}

// checked keeps the errors of the object that r was read from.
func (c *config) checked(r rotary, from *config) rotary {
	c.adopt(from)
	if !(r.base > 1) || math.IsInf(r.base, 0) {
		c.fail("rope_theta", "found %g, expected a number above 1", r.base)
	}
	return r
}

// scaling reads rope_scaling, or rope_parameters of version 5.
func (c *config) scaling(positions int) *spec.RotaryScaling {
	kind := c.text("rope_type", c.text("type", "default"))
	if old := c.text("type", kind); old != kind {
		c.fail("rope_type", "found %q, and type %q, expected one of them, or the same", kind, old)
	}
	if f := c.number("partial_rotary_factor", 1); f != 1 {
		c.fail("partial_rotary_factor", "found %g, expected 1: this program rotates all features of a head", f)
	}
	if kind == "default" {
		return nil
	}
	s := &spec.RotaryScaling{Kind: kind, Factor: c.needed("factor")}
	switch kind {
	case "linear":
	case "llama3":
		s.Low, s.High = c.needed("low_freq_factor"), c.needed("high_freq_factor")
		s.Original = c.positive("original_max_position_embeddings")
	case "yarn":
		c.yarn(s, positions)
	default:
		c.fail("rope_type", "found %q, expected default, linear, llama3 or yarn", kind)
	}
	return s
}

// yarn reads YaRN's settings with the defaults of transformers.
func (c *config) yarn(s *spec.RotaryScaling, positions int) {
	s.Original = c.integer("original_max_position_embeddings", positions)
	s.Fast, s.Slow = c.number("beta_fast", 32), c.number("beta_slow", 1)
	s.Exact = !c.flag("truncate", true)
	s.Amplitude = c.number("attention_factor", 0)
	// DeepSeek's two factors give the quotient of two amplitudes, equal to 1 where they are equal.
	if m, all := c.number("mscale", 0), c.number("mscale_all_dim", 0); s.Amplitude == 0 && m != 0 && all != 0 {
		amplitude := func(m float64) float64 { return 0.1*m*math.Log(max(s.Factor, 1)) + 1 }
		s.Amplitude = amplitude(m) / amplitude(all)
	}
}
