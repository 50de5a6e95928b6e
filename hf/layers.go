package hf

// The types of layers in the configurations of version 5.
const (
	fullAttention    = "full_attention"
	slidingAttention = "sliding_attention"
)

// layerTypes reads layer_types, one of the two types for each layer. Configurations without the key follow the family's rule.
func (c *config) layerTypes(layers int, rule func(i int) string) []string {
	types := c.texts("layer_types")
	if len(types) == 0 {
		for i := range min(layers, maxLayerTypes) {
			types = append(types, rule(i))
		}
	}
	if len(types) != layers {
		c.fail("layer_types", "found %d types for %d layers, expected one each", len(types), layers)
		return nil
	}
	for _, t := range types {
		if t != fullAttention && t != slidingAttention {
			c.fail("layer_types", "found %q, expected %s or %s", t, fullAttention, slidingAttention)
			return nil
		}
	}
	return types
}

// agree refuses types other than those of a rule that transformers' class follows instead.
func (c *config) agree(types []string, rule func(i int) string) {
	for i, t := range types {
		if t != rule(i) {
			c.fail("layer_types", "found %s for layer %d, expected %s: the class follows other keys", t, i, rule(i))
			return
		}
	}
}

// maxLayerTypes bounds the list that is made for a configuration; more layers are refused.
const maxLayerTypes = 4096

// always is the rule of families whose layers are of one type.
func always(t string) func(int) string { return func(int) string { return t } }
