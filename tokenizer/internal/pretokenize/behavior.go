package pretokenize

import (
	"slices"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/pattern"
)

// behavior is what becomes of the matches of a pattern.
type behavior string

const (
	removed            behavior = "Removed"            // they are left out
	isolated           behavior = "Isolated"           // each is a part
	contiguous         behavior = "Contiguous"         // matches side by side are one part
	mergedWithPrevious behavior = "MergedWithPrevious" // each belongs to the part before it
	mergedWithNext     behavior = "MergedWithNext"     // each belongs to the part after it
)

func readBehavior(f *component.Fields, absent behavior) behavior {
	if absent != "" && !f.Has("behavior") {
		f.Raw("behavior")
		return absent
	}
	words := []string{string(removed), string(isolated), string(contiguous), string(mergedWithPrevious), string(mergedWithNext)}
	return behavior(f.One("behavior", words...))
}

func digitsBehavior(individual bool) behavior {
	if individual {
		return isolated
	}
	return contiguous
}

// stretch is the bytes [from, to) of a text, which a pattern matches or which lie between its matches.
type stretch struct {
	from, to int
	match    bool
}

// parts applies a behavior to the stretches of a text, which cover it.
func (b behavior) parts(all []stretch) []stretch {
	switch b {
	case removed:
		return slices.DeleteFunc(all, func(s stretch) bool { return s.match })
	case contiguous:
		return merge(all, func(s stretch, previous bool) bool { return s.match == previous })
	case mergedWithPrevious:
		return merge(all, func(s stretch, previous bool) bool { return s.match && !previous })
	case mergedWithNext:
		return mergeNext(all)
	}
	return all
}

// merge joins a stretch to the one before it where joins says so, knowing whether that was a match. Nothing counts as no match.
func merge(all []stretch, joins func(s stretch, previous bool) bool) []stretch {
	merged, previous := all[:0:0], false
	for _, s := range all {
		if n := len(merged); n > 0 && joins(s, previous) {
			merged[n-1].to = s.to
		} else {
			merged = append(merged, s)
		}
		previous = s.match
	}
	return merged
}

// mergeNext joins a match to the stretch after it that is none.
func mergeNext(all []stretch) []stretch {
	merged, previous := all[:0:0], false
	for _, s := range slices.Backward(all) {
		if n := len(merged); n > 0 && s.match && !previous {
			merged[n-1].from = s.from
		} else {
			merged = append(merged, s)
		}
		previous = s.match
	}
	slices.Reverse(merged)
	return merged
}

// emit calls f with the stretches that are not empty.
func emit(t aligned.Text, all []stretch, f func(aligned.Text)) {
	for _, s := range all {
		if s.from < s.to {
			f(t.Slice(s.from, s.to))
		}
	}
}

// splitter cuts at the matches of a pattern.
type splitter struct {
	pattern  pattern.Pattern
	behavior behavior
	invert   bool // what lies between the matches counts as a match, and the matches do not
}

func readSplit(f *component.Fields) Pretokenizer {
	p, err := pattern.Read(f, "pattern")
	if err != nil {
		return nil
	}
	return splitter{p, readBehavior(f, ""), f.Bool("invert")}
}

// Split implements [Pretokenizer].
func (s splitter) Split(t aligned.Text, f func(aligned.Text)) error {
	if s.behavior == isolated {
		return isolate(t, s.pattern, f)
	}
	var all []stretch
	last := 0
	err := s.pattern.Each(t.S, func(from, to int) {
		if last != from {
			all = append(all, stretch{last, from, s.invert})
		}
		all = append(all, stretch{from, to, !s.invert})
		last = to
	})
	if err != nil {
		return err
	}
	if last != len(t.S) {
		all = append(all, stretch{last, len(t.S), s.invert})
	}
	emit(t, s.behavior.parts(all), f)
	return nil
}

// isolate makes each match and each text between matches a part.
func isolate(t aligned.Text, p pattern.Pattern, f func(aligned.Text)) error {
	last := 0
	err := p.Each(t.S, func(from, to int) {
		if last < from {
			f(t.Slice(last, from))
		}
		if from < to {
			f(t.Slice(from, to))
		}
		last = to
	})
	if err == nil && last < len(t.S) {
		f(t.Slice(last, len(t.S)))
	}
	return err
}

// classes cuts at the characters of a class.
type classes struct {
	class    chars.Class
	behavior behavior
}

// Split implements [Pretokenizer].
func (c classes) Split(t aligned.Text, f func(aligned.Text)) error {
	table := chars.All()
	if c.behavior == removed || c.behavior == isolated {
		c.each(t, table, f)
		return nil
	}
	var all []stretch
	last := 0
	for i := 0; i < len(t.S); {
		class, size := table.Decode(t.S[i:])
		if class&c.class != 0 {
			if last < i {
				all = append(all, stretch{last, i, false})
			}
			all = append(all, stretch{i, i + size, true})
			last = i + size
		}
		i += size
	}
	if last < len(t.S) {
		all = append(all, stretch{last, len(t.S), false})
	}
	emit(t, c.behavior.parts(all), f)
	return nil
}

// each cuts around each character of the class, which is a part itself where it is not removed.
func (c classes) each(t aligned.Text, table *chars.Tables, f func(aligned.Text)) {
	last := 0
	for i := 0; i < len(t.S); {
		class, size := table.Decode(t.S[i:])
		if class&c.class != 0 {
			if last < i {
				f(t.Slice(last, i))
			}
			if c.behavior == isolated {
				f(t.Slice(i, i+size))
			}
			last = i + size
		}
		i += size
	}
	if last < len(t.S) {
		f(t.Slice(last, len(t.S)))
	}
}
