// Package trie finds the keys that a text begins with.
package trie

import (
	"slices"
	"strings"
)

// None is the value of a node that ends no key.
const None int32 = -1

// Trie is a tree of bytes. Its nodes are numbered level by level, so that the children of a node lie side by side; a node takes nine
// bytes.
type Trie struct {
	first  []int32 // the first child of a node; its children end where those of the next node begin
	labels []byte  // the byte that leads to a node
	values []int32
	root   [256]int32 // the child of the root by its byte, 0 where there is none
}

// Root is the node that every text begins at.
const Root int32 = 0

// pair is a key and its value.
type pair struct {
	key   string
	value int32
}

// level is the keys [from, to) that share their first bytes.
type level struct{ from, to int }

// New returns the trie of the keys with the values from 0 on. A key that stands twice has the last value, and the empty key is left out.
func New(keys []string) *Trie {
	pairs := make([]pair, 0, len(keys))
	for i, k := range keys {
		if k != "" {
			pairs = append(pairs, pair{k, int32(i)})
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	t := &Trie{labels: []byte{0}, values: []int32{None}}
	for nodes, depth := []level{{0, len(pairs)}}, 0; len(nodes) > 0; depth++ {
		nodes = t.grow(pairs, nodes, depth)
	}
	t.first = append(t.first, int32(len(t.labels)))
	for c := t.first[0]; len(t.first) > 1 && c < t.first[1]; c++ {
		t.root[t.labels[c]] = c
	}
	return t
}

// grow adds the children of a level's nodes and returns the next level.
func (t *Trie) grow(pairs []pair, nodes []level, depth int) (next []level) {
	for _, n := range nodes {
		t.first = append(t.first, int32(len(t.labels)))
		for i := n.from; i < n.to; {
			if len(pairs[i].key) == depth { // it ends at this node
				i++
				continue
			}
			label, value, end := pairs[i].key[depth], None, i
			for ; end < n.to && pairs[end].key[depth] == label; end++ {
				if len(pairs[end].key) == depth+1 {
					value = pairs[end].value
				}
			}
			t.labels, t.values = append(t.labels, label), append(t.values, value)
			next = append(next, level{i, end})
			i = end
		}
	}
	return next
}

// Child returns the child of a node by a byte, and the value of the key that ends there. ok is false where there is none.
func (t *Trie) Child(node int32, label byte) (child, value int32, ok bool) {
	if node == Root {
		child = t.root[label]
		return child, t.values[child], child != 0
	}
	from, to := t.first[node], t.first[node+1]
	for to-from > 8 {
		middle := int32(uint32(from+to) / 2)
		if t.labels[middle] <= label {
			from = middle
		} else {
			to = middle
		}
	}
	for ; from < to; from++ {
		if t.labels[from] == label {
			return from, t.values[from], true
		}
	}
	return 0, None, false
}

// Longest returns the value and the size of the longest key that s begins with. The value is None where there is none.
func (t *Trie) Longest(s string) (value int32, size int) { return t.LongestFrom(Root, s) }

// LongestFrom is Longest for keys that begin with those of a node.
func (t *Trie) LongestFrom(node int32, s string) (value int32, size int) {
	value = None
	for i := range len(s) {
		child, v, ok := t.Child(node, s[i])
		if !ok {
			break
		}
		if v != None {
			value, size = v, i+1
		}
		node = child
	}
	return value, size
}

// Walk returns the node that s leads to.
func (t *Trie) Walk(s string) (node int32, ok bool) {
	node = Root
	for i := range len(s) {
		child, _, ok := t.Child(node, s[i])
		if !ok {
			return 0, false
		}
		node = child
	}
	return node, true
}
