package summarize

import (
	"fmt"
	"slices"
	"sort"

	"github.com/longspan/longspan/document/sentences"
	"github.com/longspan/longspan/tokenizer"
)

// piece is a part of a text as a model reads it.
type piece struct {
	ids      []int32 // with special tokens and the prefix
	from, to int     // tokens of the text
}

// cut divides the tokens of a prefix and a text into pieces. Each has the special tokens and the prefix, and begins and ends with a
// sentence where one does nearby.
func (w *Writer) cut(e tokenizer.Encoding, text string) ([]piece, error) {
	first, last := int(e.Texts[0].From), int(e.Texts[0].To)
	body := first // the first token that has bytes of the text
	for body < last && int(e.Offsets[body].To) <= len(w.prefix) && w.prefix != "" {
		body++
	}
	n := last - body
	if n == 0 {
		return nil, fmt.Errorf("found a text of no tokens, expected at least one")
	}
	if w.piece == 0 || len(e.IDs) <= w.piece {
		return []piece{{e.IDs, 0, n}}, nil
	}
	room := w.piece - (len(e.IDs) - n)
	overlap := w.o.Overlap
	if overlap == 0 {
		overlap = w.piece / 16
	}
	if room < 1 || overlap >= room {
		return nil, fmt.Errorf("found pieces of %d tokens, of which %d are special or the prefix and at least %d are of the piece before, "+
			"expected room for more; use larger pieces", w.piece, len(e.IDs)-n, overlap)
	}
	var pieces []piece
	for _, r := range ranges(n, room, overlap, starts(e.Offsets[body:last], text, len(w.prefix))) {
		ids := slices.Concat(e.IDs[:body], e.IDs[body+r[0]:body+r[1]], e.IDs[last:])
		pieces = append(pieces, piece{ids, r[0], r[1]})
	}
	return pieces, nil
}

// starts are the tokens that begin a sentence of the text, in order. places are those of the tokens, after a prefix.
func starts(places []tokenizer.Span, text string, prefix int) (all []int) {
	for _, s := range sentences.Split(text, sentences.Options{}) {
		at := sort.Search(len(places), func(i int) bool { return int(places[i].To)-prefix > s.From })
		if len(all) == 0 || at > all[len(all)-1] {
			all = append(all, at)
		}
	}
	return all
}

// ranges divides n tokens into ranges of at most room tokens, of about the same size, which overlap by at least so many tokens. borders are
// places, ascending, where a range begins or ends best; it begins or ends elsewhere where none is near.
func ranges(n, room, overlap int, borders []int) (all [][2]int) {
	for from := 0; ; {
		left := n - from
		if left <= room {
			return append(all, [2]int{from, n})
		}
		count := (left - overlap + room - overlap - 1) / (room - overlap)
		size := (left-overlap+count-1)/count + overlap // of each of the ranges that are left
		to := near(borders, from+size, from+max(overlap+1, size/2), from+room)
		all = append(all, [2]int{from, to})
		from = near(borders, to-overlap, max(from+1, to-overlap-size/4), to-overlap)
	}
}

// near is the border from lo to hi that is the nearest to at, which lies between them; at, if there is none.
func near(borders []int, at, lo, hi int) int {
	best := -1
	for i := sort.SearchInts(borders, lo); i < len(borders) && borders[i] <= hi; i++ {
		if best < 0 || distance(borders[i], at) < distance(best, at) {
			best = borders[i]
		}
	}
	if best < 0 {
		return at
	}
	return best
}

func distance(a, b int) int { return max(a-b, b-a) }
