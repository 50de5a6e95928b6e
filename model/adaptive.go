package model

import (
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// adaptive is the embedding of a vocabulary that is cut into clusters, as spec.Adaptive says.
type adaptive struct {
	of       *Adaptive
	clusters []cluster
}

// cluster are the vectors of some tokens, "name.i.weight", and what projects them, "name.i.project.weight" [width, features]; nil: nothing.
// In a tied model the first table has a row for each other cluster after those of its tokens, since the softmax of the head is over both.
type cluster struct {
	table   *nn.Embedding
	project *tensor.Param
}

// makeAdaptive makes the tables of a; nil of nil.
func (m *Model) makeAdaptive(name string, a *Adaptive) *adaptive {
	if a == nil {
		return nil
	}
	t := &adaptive{of: a}
	for i := range a.Ends {
		from, to := a.Cluster(i)
		rows := to - from
		if i == 0 && m.spec.Head.Tied {
			rows += len(a.Ends) - 1
		}
		c := cluster{table: nn.NewEmbedding(m.params, fmt.Sprintf("%s.%d", name, i), rows, a.Features(i))}
		switch {
		case i > 0 && a.Divisor == 1:
			c.project = t.clusters[0].project
		case a.Projected(m.spec.Width):
			c.project = m.makeProjection(name, i)
		}
		t.clusters = append(t.clusters, c)
	}
	return t
}

// makeProjection makes what projects the vectors of cluster i: "name.i.project.weight" [width, features].
func (m *Model) makeProjection(name string, i int) *tensor.Param {
	c := nn.LinearConfig{In: m.spec.Embed.Adaptive.Features(i), Out: m.spec.Width}
	return nn.NewLinear(m.params, fmt.Sprintf("%s.%d.project", name, i), c).Weight
}

// apply looks tokens up: [len(tokens), width].
func (t *adaptive) apply(p *nn.Pass, tokens []int32) *autograd.Var {
	groups := groupsOf(t.of, tokens)
	if p.G.Dry() {
		groups = t.most(len(tokens))
	}
	var x *autograd.Var
	order := make([]int32, len(tokens))
	for i, g := range groups {
		if len(g.rows) == 0 {
			continue
		}
		y := p.G.Embedding(p.Leaf(t.clusters[i].table.Weight), g.tokens)
		if w := t.clusters[i].project; w != nil {
			y = p.G.Linear(y, p.Leaf(w), nil)
		}
		first := 0
		if x == nil {
			x = y
		} else {
			first = x.Rows()
			x = p.G.Join(x, []int{first}, y, []int{y.Rows()})
		}
		for k, row := range g.rows {
			order[row] = int32(first + k)
		}
	}
	if x.Rows() == len(groups[0].rows) {
		return x // as they came
	}
	return p.G.Take(x, order)
}

// group are the tokens of a cluster, counted from its first, and their rows in the batch.
type group struct{ tokens, rows []int32 }

// groupsOf sorts tokens by the clusters of a.
func groupsOf(a *Adaptive, tokens []int32) []group {
	groups := make([]group, len(a.Ends))
	for row, token := range tokens {
		i := 0
		for int(token) >= a.Ends[i] {
			i++
		}
		from, _ := a.Cluster(i)
		groups[i].tokens, groups[i].rows = append(groups[i].tokens, token-int32(from)), append(groups[i].rows, int32(row))
	}
	return groups
}

// most are groups that take at least the memory of any n tokens: all of the first cluster, whose vectors are the longest, and one more of
// each other. Plans have no tokens.
func (t *adaptive) most(n int) []group {
	groups := []group{{make([]int32, n), rowsFrom(0, n)}}
	for range t.of.Ends[1:] {
		groups = append(groups, group{[]int32{0}, []int32{0}})
	}
	return groups
}
