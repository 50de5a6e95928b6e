package vocab

// trie finds the pieces that a text begins with. The children of a node lie side by side, sorted by their byte.
type trie struct {
	nodes []node
	root  [256]int32 // the child of the root by its byte, none where there is none
}

// node is a beginning of a piece.
type node struct {
	children int32 // index of the first
	piece    int32 // the piece that ends here, or none
	count    uint16
	label    byte
}

// newTrie makes the trie of pieces, which are sorted, differ and are not empty.
func newTrie(pieces []scored) *trie {
	t := &trie{nodes: []node{{piece: none}}}
	type interval struct{ node, from, to, depth int } // pieces below a node
	work := []interval{{0, 0, len(pieces), 0}}
	for len(work) > 0 {
		w := work[0]
		work = work[1:]
		if w.from < w.to && len(pieces[w.from].text) == w.depth {
			t.nodes[w.node].piece = int32(w.from)
			w.from++
		}
		t.nodes[w.node].children = int32(len(t.nodes))
		for from := w.from; from < w.to; {
			label := pieces[from].text[w.depth]
			to := from + 1
			for to < w.to && pieces[to].text[w.depth] == label {
				to++
			}
			work = append(work, interval{len(t.nodes), from, to, w.depth + 1})
			t.nodes = append(t.nodes, node{piece: none, label: label})
			t.nodes[w.node].count++
			from = to
		}
	}
	for i := range t.root {
		t.root[i] = none
	}
	root := t.nodes[0]
	for i := range int32(root.count) {
		t.root[t.nodes[root.children+i].label] = root.children + i
	}
	return t
}

// child returns the child of a node, or none.
func (t *trie) child(at int32, label byte) int32 {
	n := &t.nodes[at]
	from, to := n.children, n.children+int32(n.count)
	for to-from > 8 {
		if middle := (from + to) / 2; t.nodes[middle].label <= label {
			from = middle
		} else {
			to = middle
		}
	}
	for ; from < to; from++ {
		if t.nodes[from].label == label {
			return from
		}
	}
	return none
}
