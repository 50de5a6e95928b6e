package model

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// encoderGolden is testdata/encoders/golden.json.
type encoderGolden struct {
	Texts, Masked, Tagged []string
	Pairs                 [][2]string
	Vectors               [][]float32
	Classes               [][][2]any
	PairClasses           [][][2]any         `json:"pair_classes"`
	PairScores            []float64          `json:"pair_scores"`
	Tags                  map[string][][]any // each from, to, class, score
	Masks                 [][][][3]any       // id, token, score
}

func readEncoderGolden(t *testing.T) (g encoderGolden) {
	t.Helper()
	content, err := os.ReadFile("testdata/encoders/golden.json")
	if err == nil {
		err = json.Unmarshal(content, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func matches(a float64, b any) bool { return math.Abs(a-b.(float64)) < 2e-6 }

func TestVectorsAreThoseOfTransformers(t *testing.T) {
	g := readEncoderGolden(t)
	all, err := tiny(t, "bert_plain").NewSession(tensor.Exec{}).Embed(context.Background(), g.Texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all {
		if !close32(e.Vectors[0].Vector, g.Vectors[i]) {
			t.Errorf("%q: found %v, want %v", g.Texts[i], e.Vectors[0].Vector[:3], g.Vectors[i][:3])
		}
	}
}

func TestClassesAreThoseOfTransformers(t *testing.T) {
	g := readEncoderGolden(t)
	var pairs []Pair
	for _, text := range g.Texts {
		pairs = append(pairs, Pair{First: text})
	}
	for _, p := range g.Pairs {
		pairs = append(pairs, Pair{p[0], p[1]})
	}
	all, err := tiny(t, "bert_classify").NewSession(tensor.Exec{}).Classify(context.Background(), pairs, ClassifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range append(g.Classes, g.PairClasses...) {
		for k, c := range all[i].Classes {
			if c.Class != want[k][0] || !matches(c.Probability, want[k][1]) {
				t.Errorf("%+v: found %v, want %v", pairs[i], c, want[k])
			}
		}
	}
}

func TestTagsAreThoseOfTransformers(t *testing.T) {
	g := readEncoderGolden(t)
	m := tiny(t, "bert_tag")
	for how, texts := range g.Tags {
		all, err := m.NewSession(tensor.Exec{}).Tag(context.Background(), g.Tagged, TagOptions{Aggregate: how})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range texts {
			if len(all[i].Entities) != len(want) {
				t.Fatalf("%s, %q: found %+v, want %v", how, g.Tagged[i], all[i].Entities, want)
			}
			for k, e := range all[i].Entities {
				w := want[k].([]any)
				if float64(e.From) != w[0] || float64(e.To) != w[1] || e.Class != w[2] || !matches(e.Probability, w[3]) {
					t.Errorf("%s, %q: found %+v, want %v", how, g.Tagged[i], e, w)
				}
			}
		}
	}
}

func TestMasksAreThoseOfTransformers(t *testing.T) {
	g := readEncoderGolden(t)
	m := tiny(t, "bert")
	for _, word := range []string{"", "___", "[a longer mask]"} {
		texts := slices.Clone(g.Masked)
		name := "[MASK]"
		if word != "" {
			name = word
		}
		for i := range texts {
			texts[i] = strings.ReplaceAll(texts[i], "[MASK]", name)
		}
		all, err := m.NewSession(tensor.Exec{}).Fill(context.Background(), texts, FillOptions{Mask: word, Top: 4})
		if err != nil {
			t.Fatal(err)
		}
		for i, masks := range g.Masks {
			for k, want := range masks {
				mask := all[i].Masks[k]
				if texts[i][mask.From:mask.To] != name {
					t.Errorf("%q: mask %d is %q", texts[i], k, texts[i][mask.From:mask.To])
				}
				for n, guess := range mask.Guesses {
					if float64(guess.ID) != want[n][0] || guess.Token != want[n][1] || !matches(guess.Probability, want[n][2]) {
						t.Errorf("%q, mask %d: found %+v, want %v", texts[i], k, guess, want[n])
					}
				}
			}
		}
	}
}

func TestScoresAreThoseOfTransformers(t *testing.T) {
	g := readEncoderGolden(t)
	s := tiny(t, "xlmr_classify_cross").NewSession(tensor.Exec{})
	for i, p := range g.Pairs {
		for _, raw := range []bool{false, true} {
			ranked, err := s.Rank(context.Background(), p[0], []string{p[1]}, RankOptions{Raw: raw})
			if err != nil {
				t.Fatal(err)
			}
			score := ranked[0].Score
			if raw {
				score = 1 / (1 + math.Exp(-score))
			}
			if !matches(score, g.PairScores[i]) {
				t.Errorf("%q: found %g, want %g", p, score, g.PairScores[i])
			}
		}
	}
}

// Passages have the order of their scores, and a long one that of its best chunk.
func TestRankOrdersPassages(t *testing.T) {
	for name, label := range map[string]string{"xlmr_classify_cross": "", "bert_plain": "", "bert_classify": "letter"} {
		m := tiny(t, name)
		s := m.NewSession(tensor.Exec{})
		passages := []string{"red", long(30), "the law of the court", "gene"}
		o := RankOptions{Label: label, ReadOptions: ReadOptions{Chunk: 20}}
		ranked, err := s.Rank(context.Background(), "the dose", passages, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range ranked {
			if i > 0 && r.Score > ranked[i-1].Score {
				t.Errorf("%s: %g stands after %g", name, r.Score, ranked[i-1].Score)
			}
			if part := passages[r.Index][r.From:r.To]; r.Index != 1 {
				if part != passages[r.Index] || r.Chunks != 1 {
					t.Errorf("%s: found %+v", name, r)
				}
			} else if r.Chunks < 2 || len(part) == len(passages[1]) || !strings.Contains(r.How, "best chunk") {
				t.Errorf("%s: found %+v", name, r)
			} else if alone, err := s.Rank(context.Background(), "the dose", []string{part}, o); err != nil ||
				math.Abs(alone[0].Score-r.Score) > 1e-6 {
				t.Errorf("%s: the best chunk has %g by itself and %g in its passage, %v", name, alone[0].Score, r.Score, err)
			}
		}
	}
}

// Outputs of chunks are joined: classes by their mean or largest, tags token by token, and masks in the chunk that has them.
func TestEncodersJoinChunks(t *testing.T) {
	ctx, text := context.Background(), long(100)
	o := ReadOptions{Chunk: 30, Overlap: 8}
	classifier := tiny(t, "bert_classify")
	pieces := cut(100, 28, 8, false)
	encoded, err := classifier.Tokenizer().EncodeDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	total, largest := make([]float64, 3), []float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for i, p := range pieces {
		ids := slices.Concat(encoded.IDs[:1], encoded.IDs[1+p.from:1+p.to], encoded.IDs[101:])
		out, err := classifier.NewSession(tensor.Exec{}).Predict(&data.Batch{Tokens: ids, Lengths: []int{len(ids)}}, StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		weight := p.keepTo - p.keepFrom
		if i == 0 || i == len(pieces)-1 {
			weight++ // [CLS] of the first and [SEP] of the last
		}
		for j, v := range out.Row(0) {
			total[j] += float64(weight) * float64(v) / 102
			largest[j] = max(largest[j], float64(v))
		}
	}
	for how, want := range map[string][]float64{"mean": total, "max": largest} {
		found, err := classifier.NewSession(tensor.Exec{}).Classify(ctx, []Pair{{First: text}}, ClassifyOptions{ReadOptions: o, Chunks: how})
		if err != nil {
			t.Fatal(err)
		}
		logits := make([]float32, len(want))
		for j, v := range want {
			logits[j] = float32(v)
		}
		probabilities := softmax(logits)
		for _, c := range found[0].Classes {
			if p := probabilities[slices.Index(classifier.Answers().Classes, c.Class)]; math.Abs(p-c.Probability) > 1e-5 {
				t.Errorf("%s: class %s has %g, want %g", how, c.Class, c.Probability, p)
			}
		}
	}

	tagger := tiny(t, "bert_tag")
	tagged, err := tagger.NewSession(tensor.Exec{}).Tag(ctx, []string{text}, TagOptions{ReadOptions: o, Aggregate: "none"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := tagger.NewSession(tensor.Exec{}).Tag(ctx, []string{text[:encoded.Offsets[28].To]}, TagOptions{Aggregate: "none"})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range first[0].Entities { // the text of the first chunk
		if e.From < int(encoded.Offsets[1+pieces[0].keepTo].From) && e != tagged[0].Entities[i] {
			t.Errorf("entity %d is %+v, want %+v", i, tagged[0].Entities[i], e)
		}
	}

	masked := []string{text + "___ law " + text}
	filled, err := tiny(t, "bert").NewSession(tensor.Exec{}).Fill(ctx, masked, FillOptions{ReadOptions: o, Mask: "___"})
	if err != nil {
		t.Fatal(err)
	}
	if f := filled[0]; f.Chunks != 1 || f.Tokens != 204 || f.Used != 30 || len(f.Masks) != 1 || len(f.Masks[0].Guesses) != 5 ||
		!strings.Contains(f.How, "chunks without masks are not read") {
		t.Errorf("found %+v", f)
	}
}

// A model of this program whose mask is a row after the vocabulary guesses too.
func TestFillReadsOwnModels(t *testing.T) {
	m := answering(t, Config{Head: MaskedLM}, tokenizer.DNA(), data.Answers{})
	found, err := m.NewSession(tensor.Exec{}).Fill(context.Background(), []string{"ACGT_ACG_"}, FillOptions{Mask: "_", Top: 9})
	if err != nil {
		t.Fatal(err)
	}
	if masks := found[0].Masks; len(masks) != 2 || masks[0].From != 4 || masks[1].From != 8 || len(masks[0].Guesses) != 5 {
		t.Errorf("found %+v", masks)
	}
}

func TestEntitySchemes(t *testing.T) {
	for _, c := range []struct {
		classes string // of the model
		tags    string // of the tokens, of one byte each
		want    string
	}{
		{"O B-X I-X B-Y I-Y", "O B-X I-X I-X B-X O I-Y I-X", "1-4 X, 4-5 X, 6-7 Y, 7-8 X"},
		{"O B-X I-X E-X S-X", "B-X E-X I-X S-X S-X B-X I-X", "0-2 X, 2-3 X, 3-4 X, 4-5 X, 5-7 X"},
		{"O B-X I-X L-X U-X", "U-X B-X L-X L-X", "0-1 X, 1-3 X, 3-4 X"},
		{"O X Y", "X X Y O Y", "0-2 X, 2-3 Y, 4-5 Y"},
		{"exon intron E-box", "exon exon E-box E-box intron", "0-2 exon, 2-4 E-box, 4-5 intron"},
	} {
		classes := strings.Fields(c.classes)
		m := answering(t, Config{Head: Tag, Classes: len(classes)}, tokenizer.Bytes(), data.Answers{Classes: classes})
		tags := strings.Fields(c.tags)
		d := &document{to: len(tags), pieces: []piece{{0, len(tags), 0, len(tags)}}}
		rows := tensor.New(tensor.F32, len(tags), len(classes))
		for i, tag := range tags {
			d.e.IDs = append(d.e.IDs, 'a')
			d.e.Offsets = append(d.e.Offsets, tokenizer.Span{From: int32(i), To: int32(i + 1)})
			rows.Row(i)[slices.Index(classes, tag)] = 9
		}
		var got []string
		for _, e := range newTagger(m, "simple").entities(strings.Repeat("a", len(tags)), outputs{d, []tensor.Mat{rows}}) {
			got = append(got, string(rune('0'+e.From))+"-"+string(rune('0'+e.To))+" "+e.Class)
		}
		if found := strings.Join(got, ", "); found != c.want {
			t.Errorf("%s: found %s, want %s", c.tags, found, c.want)
		}
	}
}

func TestEncodersRefuse(t *testing.T) {
	ctx := context.Background()
	session := func(name string) *Session { return tiny(t, name).NewSession(tensor.Exec{}) }
	classifier, tagger, masked, vectors := session("bert_classify"), session("bert_tag"), session("bert"), session("bert_plain")
	classify := func(s *Session, p Pair, o ClassifyOptions) error { _, err := s.Classify(ctx, []Pair{p}, o); return err }
	tag := func(s *Session, text string, o TagOptions) error { _, err := s.Tag(ctx, []string{text}, o); return err }
	fill := func(s *Session, text string, o FillOptions) error {
		_, err := s.Fill(ctx, []string{text}, o)
		return err
	}
	rank := func(s *Session, query, text string, o RankOptions) error {
		_, err := s.Rank(ctx, query, []string{text}, o)
		return err
	}
	for want, err := range map[string]error{
		"found the head tag, expected classify":                        classify(tagger, Pair{First: "x"}, ClassifyOptions{}),
		`found "min" for the outputs of chunks, expected mean or max`:  classify(classifier, Pair{First: "x"}, ClassifyOptions{Chunks: "min"}),
		"the text is empty, expected something to read":                classify(classifier, Pair{Second: "x"}, ClassifyOptions{}),
		"found 104 tokens that each chunk repeats":                     classify(classifier, Pair{long(101), "x"}, ClassifyOptions{}),
		"found the head classify, expected tag":                        tag(classifier, "x", TagOptions{}),
		`found the aggregation "last", expected one of`:                tag(tagger, "x", TagOptions{Aggregate: "last"}),
		"found the head tag, expected mlm":                             fill(tagger, "x", FillOptions{}),
		`found no "[MASK]" in the text`:                                fill(masked, "x", FillOptions{}),
		`found no "___" in the text`:                                   fill(masked, "x", FillOptions{Mask: "___"}),
		"found -1 guesses for each mask":                               fill(masked, "[MASK]", FillOptions{Top: -1}),
		"found the head tag, expected regress, classify or embed":      rank(tagger, "x", "x", RankOptions{}),
		`found the label "" for a score, expected one of ["contract" `: rank(classifier, "x", "x", RankOptions{}),
		`found the label "a" for the head embed`:                       rank(vectors, "x", "x", RankOptions{Label: "a"}),
		"the query is empty, expected something to look for":           rank(vectors, "", "x", RankOptions{}),
		"model: the text is empty, expected something to read":         rank(vectors, "x", "", RankOptions{}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
