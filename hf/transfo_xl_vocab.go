package hf

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/model/spec"
)

// transfoXLClusters are the clusters of the vocabulary; nil: there is one, whose vectors have the width of the model. cutoffs are the first
// tokens of all clusters but the first. Vectors of cluster i have d_embed / div_val^i features.
func (c *config) transfoXLClusters(b *built) *spec.Adaptive {
	a := &spec.Adaptive{Ends: c.integers("cutoffs"), Width: c.integer("d_embed", 1024), Divisor: c.integer("div_val", 4)}
	if !c.has("cutoffs") {
		a.Ends = []int{20000, 40000, 200000}
	}
	if n := len(a.Ends); n >= spec.MaxClusters {
		c.fail("cutoffs", "found %d, expected at most %d", n, spec.MaxClusters-1)
		return nil
	}
	for i, cutoff := range a.Ends {
		if cutoff < 1 || i > 0 && cutoff <= a.Ends[i-1] || cutoff >= b.spec.Vocab {
			c.fail("cutoffs", "found %v, expected ascending tokens from 1 to %d", a.Ends, b.spec.Vocab-1)
			return nil
		}
	}
	a.Ends = append(slices.Clone(a.Ends), b.spec.Vocab)
	switch {
	case a.Width < 1 || a.Width > 1<<28:
		c.fail("d_embed", "found %d, expected 1 to %d", a.Width, 1<<28)
	case a.Divisor < 1 || a.Divisor > 1<<28:
		c.fail("div_val", "found %d, expected 1 to %d", a.Divisor, 1<<28)
	case a.Features(len(a.Ends)-1) < 1:
		c.fail("div_val", "found %d, which leaves none of %d features in cluster %d, expected a smaller number", a.Divisor, a.Width,
			len(a.Ends)-1)
	default:
		if len(a.Ends) > 1 || a.Projected(b.spec.Width) {
			return a
		}
	}
	return nil
}

// nameTransfoXLTables names the vectors of the tokens, and what projects them. Without div_val the clusters are rows of one table.
func (b *built) nameTransfoXLTables(p string) {
	const table = "word_emb.emb_layers."
	a := b.spec.Embed.Adaptive
	if a == nil {
		b.names.put("embedding.weight", p+table+"0.weight")
		return
	}
	for i := range a.Ends {
		name := fmt.Sprintf("embedding.%d", i)
		b.nameCluster(name+".weight", p+table, ".weight", i)
		if a.Divisor > 1 || i == 0 {
			b.names.put(name+".project.weight", projection(p, a, i))
		}
	}
}

// projection is the tensor that projects the vectors of cluster i.
func projection(p string, a *spec.Adaptive, i int) string {
	if a.Divisor == 1 {
		i = 0
	}
	return fmt.Sprintf("%sword_emb.emb_projs.%d", p, i)
}

// nameCluster says that a weight has the rows of cluster i, in tensors that are named by the cluster, or in one of all clusters.
func (b *built) nameCluster(weight, tensor, end string, i int) {
	a := b.spec.Embed.Adaptive
	from, to := a.Cluster(i)
	if a.Divisor > 1 || len(a.Ends) == 1 {
		b.names.put(weight, fmt.Sprintf("%s%d%s", tensor, i, end))
	} else {
		b.names.sliced(weight, tensor+"0"+end, slice{from, to, b.spec.Vocab})
	}
}

// transfoXLHead reads the head. Class t has it.
func (b *built) transfoXLHead(c *config, t task, p string) {
	switch t {
	case lm:
		tied := c.flag("tie_word_embeddings", true)
		b.spec.Head = spec.Head{Kind: spec.LM, Tied: tied, TiedBias: tied, Bias: !tied}
		tiedProjections := c.tiedProjections(b)
		if b.spec.Embed.Adaptive != nil {
			b.spec.Head.TiedProjections = tiedProjections
			b.nameAdaptiveHead(p)
			return
		}
		b.names.linear("head", "crit.out_layers.0")
		b.names.tied("crit.out_layers.0.weight")
	case classify:
		if e := c.integer("d_embed", 1024); e != b.spec.Width {
			c.fail("d_embed", "found %d, expected d_model, %d: the class of this head reads so many features", e, b.spec.Width)
		}
		b.decoderHead(c, t)
	case body:
		b.names.ignore(`crit\..*|score\.weight`, headNotUsed)
	}
}

// tiedProjections are the clusters whose projections are those of the embedding: all but the first, unless tie_projs says which, or
// proj_share_all_but_first that none is.
func (c *config) tiedProjections(b *built) []int {
	shared, a := c.flag("proj_share_all_but_first", true), b.spec.Embed.Adaptive
	var flags []bool
	given := c.value("tie_projs", &flags, "a list of true and false")
	if a == nil {
		return nil
	}
	if given && len(flags) > len(a.Ends) {
		c.fail("tie_projs", "found %d, expected one for each of %d clusters", len(flags), len(a.Ends))
		return nil
	}
	var tied []int
	for i := range a.Ends {
		if given && i < len(flags) && flags[i] || !given && shared && i > 0 {
			tied = append(tied, i)
		}
	}
	if !a.Projected(b.spec.Width) {
		return nil
	}
	return tied
}

// nameAdaptiveHead names the weights of an adaptive softmax. Its first softmax has a row for each other cluster, behind those of its
// tokens.
func (b *built) nameAdaptiveHead(p string) {
	const layers = "crit.out_layers."
	n, a, head := b.names, b.spec.Embed.Adaptive, b.spec.Head
	for i := range a.Ends {
		ours := fmt.Sprintf("head.%d", i)
		weight := ours + ".weight"
		if head.Tied {
			weight = fmt.Sprintf("embedding.%d.weight", i)
		} else {
			b.nameCluster(weight, layers, ".weight", i)
		}
		b.nameCluster(ours+".bias", layers, ".bias", i)
		if i == 0 && len(a.Ends) > 1 {
			n.put(weight, "crit.cluster_weight")
			n.put(ours+".bias", "crit.cluster_bias")
			n.rows[weight] = []int{a.Ends[0], len(a.Ends) - 1}
			n.rows[ours+".bias"] = n.rows[weight]
		}
		if head.Tied && (a.Divisor > 1 || i == 0) {
			n.twin(fmt.Sprintf("%s%d.weight", layers, i), fmt.Sprintf("%sword_emb.emb_layers.%d.weight", p, i))
		}
		projected := fmt.Sprintf("crit.out_projs.%d", i)
		if slices.Contains(head.TiedProjections, i) {
			n.twin(projected, projection(p, a, i))
		} else {
			n.put(ours+".project.weight", projected)
		}
	}
}
