package gguf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/longspan/longspan/internal/pool"
)

// blank stands for a space in a SentencePiece vocabulary.
const blank = "▁"

// sentencePiece is a token as it is in a SentencePiece vocabulary: the converter has put spaces into runs of blanks that are user-defined.
func sentencePiece(token string, t tokenType) string {
	if t == typeUser && strings.Trim(token, " ") == "" {
		return strings.ReplaceAll(token, " ", blank)
	}
	return token
}

// scoredBPE fills in a BPE over characters with byte fallback, whose merges follow from the scores.
func (f *File) scoredBPE(t *tokenizer, v *vocabulary, s SpecialTokens) error {
	scores, err := f.scores(len(v.tokens))
	if err != nil {
		return err
	}
	merges, err := scoredMerges(v, scores)
	if err != nil {
		return err
	}
	return f.characterBPE(t, v, s, merges, true)
}

// mergedBPE fills in the same with merges of the file.
func (f *File) mergedBPE(t *tokenizer, v *vocabulary, s SpecialTokens) error {
	merges, err := f.merges(v)
	if err != nil {
		return err
	}
	return f.characterBPE(t, v, s, merges, false)
}

// characterBPE fills in a BPE over characters; usualPrefix says whether a text takes a blank before it where the file does not say.
func (f *File) characterBPE(t *tokenizer, v *vocabulary, s SpecialTokens, merges [][2]string, usualPrefix bool) error {
	prefix, err := f.flag("add_space_prefix", usualPrefix)
	if err != nil {
		return err
	}
	model := bpe{Type: "BPE", FuseUnknown: true, ByteFallback: true, Vocab: v.tokens, Merges: merges}
	if s.Unknown != None {
		model.UnknownToken = &v.tokens[s.Unknown]
	}
	t.Model = model
	normalizers := []part{replace(" ", blank)}
	decoders := []part{replace(blank, " "), {"type": "ByteFallback"}, {"type": "Fuse"}}
	if prefix {
		normalizers = append([]part{{"type": "Prepend", "prepend": blank}}, normalizers...)
		decoders = append(decoders, part{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	t.Normalizer, t.Decoder = sequence("normalizers", normalizers...), sequence("decoders", decoders...)
	return nil
}

// derived is a merge with what orders it.
type derived struct {
	score       float64
	left, right string
	characters  [2]int // of left and right
}

// maxMerged is the longest token, in bytes, that is taken apart: it is hashed as often as it has characters.
const maxMerged = 1024

// errMerges bounds what a hostile vocabulary could make of itself.
var errMerges = errors.New("its merges would be many times its size; the vocabulary is damaged")

// scoredMerges makes merges of scores. SentencePiece joins the neighbours whose token has the best score; a BPE with ranks does the same,
// if each way of putting a token together from two ranks as the token's score. Where scores are equal the longer left part is first, then
// the longer right one, then the order of ids: that is Hugging Face's order, and so are the ids.
//
// User-defined and control tokens count as if their score were 0, the best, which it is in the SentencePiece model; the converter has
// written another. The memory is bounded: merges have at most 64 times the bytes of the tokens.
func scoredMerges(v *vocabulary, scores []float64) ([][2]string, error) {
	all, err := v.allPartitions(scores)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b derived) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.characters[0], a.characters[0]),
			cmp.Compare(b.characters[1], a.characters[1]))
	})
	merges := make([][2]string, len(all))
	for i, m := range all {
		merges[i] = [2]string{m.left, m.right}
	}
	return merges, nil
}

// allPartitions are those of all tokens, in the order of ids.
func (v *vocabulary) allPartitions(scores []float64) ([]derived, error) {
	budget := 0
	for id, token := range v.tokens {
		if len(token) > maxMerged {
			return nil, fmt.Errorf("token %d has %d bytes; at most %d were expected", id, len(token), maxMerged)
		}
		budget += 64 * (len(token) + 16)
	}
	const chunk = 1 << 12
	chunks := make([][]derived, (len(v.tokens)+chunk-1)/chunk)
	var used atomic.Int64
	pool.Run(0, len(chunks), func(_, c int) {
		for id := c * chunk; id < min(len(v.tokens), (c+1)*chunk) && used.Load() <= int64(budget); id++ {
			before := len(chunks[c])
			chunks[c] = v.partitions(chunks[c], id, scores[id])
			used.Add(int64((len(chunks[c]) - before) * (len(v.tokens[id]) + 16)))
		}
	})
	if used.Load() > int64(budget) {
		return nil, errMerges
	}
	return slices.Concat(chunks...), nil
}

// partitions appends the ways to put token id together from two of the vocabulary, in the order of their ids.
func (v *vocabulary) partitions(to []derived, id int, score float64) []derived {
	token, from := v.tokens[id], len(to)
	if v.types[id] == typeUser || v.types[id] == typeControl {
		score = 0
	}
	before, all := 0, utf8.RuneCountInString(token)
	for i := range token {
		left, right := token[:i], token[i:]
		if _, ok := v.ids[left]; ok {
			if _, ok := v.ids[right]; ok {
				to = append(to, derived{score: score, left: left, right: right, characters: [2]int{before, all - before}})
			}
		}
		before++
	}
	slices.SortStableFunc(to[from:], func(a, b derived) int {
		return cmp.Or(cmp.Compare(v.ids[a.left], v.ids[b.left]), cmp.Compare(v.ids[a.right], v.ids[b.right]))
	})
	return to
}
