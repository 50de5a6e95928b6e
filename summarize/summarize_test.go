package summarize

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/longspan/longspan/document"
)

// paper is a small document with sections.
const paper = `# Windows of attention

## Introduction
Attention over long documents costs the square of their length. In this paper we propose windows of attention that read long documents
in time that grows with the length. The weather was fine on that day. We show that windows keep the quality of full attention.

## Method
A window lets each token see its neighbours. Windows of 128 tokens are enough for most layers, as the experiments show. The tokens of a
section also see a global token. A cat sat on the mat near the door of the house.

## Results
The table has all numbers of the experiments. Windows of attention are three times as fast as full attention on long documents.

## Conclusion
We proposed windows of attention for long documents. They are fast, and their quality is that of full attention.

## References
Smith and others wrote about attention windows of long documents before us.
`

// parsed reads Markdown.
func parsed(text string) *document.Document {
	return document.Parse("paper.md", text, 0, document.Markdown)
}

func summarizer(t testing.TB) *Summarizer {
	t.Helper()
	s, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// quoted returns the sentences of a summary.
func quoted(r *Summary) (all []string) {
	for _, c := range r.Sentences {
		all = append(all, c.Text)
	}
	return all
}

func TestSummaryOfAPaper(t *testing.T) {
	r, err := summarizer(t).Summarize(context.Background(), parsed(paper), Options{Budget: Budget{Words: 50}})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(quoted(r), "\n")
	if !strings.Contains(all, "windows of attention for long documents") || strings.Contains(all, "weather") ||
		strings.Contains(all, "cat sat") || strings.Contains(all, "Smith") {
		t.Errorf("found %q", all)
	}
	if r.Words > 50 || r.Words < 17 || r.Title != "Windows of attention" || r.Read.Sentences != 13 || r.Read.Bytes != int64(len(paper)) {
		t.Errorf("found %+v", r)
	}
	before := int64(-1)
	for _, c := range r.Sentences {
		if c.From <= before {
			t.Errorf("the sentence at byte %d comes after that at %d", c.From, before)
		}
		before = c.From
		if document.Clean(paper[c.From:c.To]) != c.Text {
			t.Errorf("bytes %d … %d are %q, and the sentence is %q", c.From, c.To, paper[c.From:c.To], c.Text)
		}
		if c.Section == "" || math.IsNaN(c.Score) {
			t.Errorf("found %+v", c)
		}
	}
}

func TestSentencesAsked(t *testing.T) {
	s := summarizer(t)
	r, err := s.Summarize(context.Background(), parsed(paper), Options{Budget: Budget{Sentences: 2}})
	if err != nil || len(r.Sentences) != 2 {
		t.Errorf("found %d sentences, %v; expected 2", len(r.Sentences), err)
	}
	r, err = s.Summarize(context.Background(), parsed(paper), Options{})
	if err != nil || r.Words > DefaultWords || r.Words < DefaultWords/3 {
		t.Errorf("by default: found %d sentences and %d words, %v", len(r.Sentences), r.Words, err)
	}
}

// What is asked counts for what is chosen.
func TestQuery(t *testing.T) {
	s := summarizer(t)
	r, err := s.Summarize(context.Background(), parsed(paper), Options{Budget: Budget{Sentences: 1}, Query: "where did the cat sit? on a mat"})
	if err != nil || !strings.Contains(r.Sentences[0].Text, "cat sat on the mat") {
		t.Errorf("found %q, %v", quoted(r), err)
	}
	r, err = s.Summarize(context.Background(), parsed(paper), Options{Query: "zebra"})
	if err != nil || !strings.Contains(strings.Join(r.Notes, "\n"), `no sentence has a word of the query "zebra"`) {
		t.Errorf("a query in vain: notes %q, %v", r.Notes, err)
	}
}

// Common words of a question do not count, and words of a section's title do.
func TestQueryCounts(t *testing.T) {
	s := summarizer(t)
	const report = "# Report\n\n## Facts\n\nIt was written by the team for the board in the spring.\n\n" +
		"The storage of the old system costs 4 euros each day.\n\n" +
		"## Root cause\n\nA new release removed the limit of the pool by mistake.\n\n" +
		"## Lessons\n\nAlarms on the pool would have shown it at once.\n"
	for query, want := range map[string]string{"what does it cost?": "costs 4 euros", "what was the root cause": "A new release"} {
		r, err := s.Summarize(context.Background(), parsed(report), Options{Budget: Budget{Sentences: 1}, Query: query})
		if err != nil || !strings.Contains(r.Sentences[0].Text, want) {
			t.Errorf("%s: found %q, %v; expected %q", query, quoted(r), err, want)
		}
	}
	r, err := s.Summarize(context.Background(), parsed(report), Options{Query: "what is it?"})
	if err != nil || !strings.Contains(strings.Join(r.Notes, "\n"), "has only common words") {
		t.Errorf("common words alone: notes %q, %v", r.Notes, err)
	}
}

// Each kind of bad input has a word of its own, and none is cut off in silence.
func TestBadInput(t *testing.T) {
	s := summarizer(t)
	german := strings.Repeat("Das Verfahren liest lange Texte schnell und genau. Niemand wartet gern auf eine Antwort vom Rechner. ", 5)
	for _, c := range []struct {
		name, text string
		o          Options
		err, note  string
	}{
		{"one sentence", "Only one sentence is in this short document.", Options{}, "", "the document has one sentence"},
		{"short sentences", "One two. Three four.", Options{}, "", "any may be quoted"},
		{"no sentences", "# Title\n\n```\ncode\n```\n", Options{}, "found no sentences, only 1 headings and 1 blocks of code", ""},
		{"a long sentence", strings.Repeat("word ", 100_000), Options{}, "", "read in pieces: 1250 pieces"},
		{"no ends", strings.Repeat("2026-01-01 INFO started a\n2026-01-02 WARN the disk is full and the node is lost\n", 50), Options{}, "", ""},
		{"German", german, Options{}, "", "not look like English"},
		{"Japanese", strings.Repeat("これは長い文書の最初の文です。要約は全文を読みます。猫がいる。", 10), Options{}, "", "not look like English"},
		{"too few words", paper, Options{Budget: Budget{Words: 3}},
			"found no sentence of at most 3 words, the shortest that can be quoted has", ""},
		{"negative", paper, Options{Budget: Budget{Words: -1}}, "found -1 words and 0 sentences, expected positive numbers", ""},
	} {
		r, err := s.Summarize(context.Background(), parsed(c.text), c.o)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: found %v, expected %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(r.Sentences) == 0 || !strings.Contains(strings.Join(r.Notes, "\n"), c.note) {
			t.Errorf("%s: found %d sentences and the notes %q; expected %q", c.name, len(r.Sentences), r.Notes, c.note)
		}
	}
}

func TestTooManySentences(t *testing.T) {
	err := checkSentences("x", mostSentences+1)
	if err == nil || err.Error() != "x: found 2097153 sentences, expected at most 2097152; split the document" {
		t.Errorf("found %v", err)
	}
	if err := checkSentences("x", mostSentences); err != nil {
		t.Error(err)
	}
}

func TestContextEnds(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := summarizer(t).Summarize(ctx, parsed(paper), Options{}); err != context.Canceled {
		t.Errorf("found %v", err)
	}
}

// reversed is a scorer that likes the last sentences.
type reversed struct{ more int }

func (r reversed) Score(_ context.Context, t *Text) ([]float32, error) {
	scores := make([]float32, len(t.Sentences)+r.more)
	for i := range scores {
		scores[i] = float32(i)
	}
	return scores, nil
}

func TestAnotherScorer(t *testing.T) {
	s := summarizer(t).With(reversed{})
	r, err := s.Summarize(context.Background(), parsed(paper), Options{Budget: Budget{Sentences: 1}})
	if err != nil || r.Sentences[0].Index != 11 {
		t.Errorf("found %+v, %v; expected the last sentence before the references", r.Sentences, err)
	}
	_, err = summarizer(t).With(reversed{1}).Summarize(context.Background(), parsed(paper), Options{})
	if err == nil || !strings.Contains(err.Error(), "found 14 scores for 13 sentences") {
		t.Errorf("too many scores: %v", err)
	}
}

// A sentence that comes again is quoted once.
func TestRepeatedSentences(t *testing.T) {
	text := strings.Repeat("This lint is allowed by default here.\n\nAnother thing is said about the house number 1.\n\n", 3) +
		"The weather was fine on that day in the town."
	r, err := summarizer(t).Summarize(context.Background(), parsed(text), Options{})
	if err != nil || len(r.Sentences) != 3 {
		t.Errorf("found %q, %v; expected each sentence once", quoted(r), err)
	}
}

// Features of a text twice as long take twice the time; here only that a long one works, and scores are finite.
func TestLongDocument(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "Sentence number %d says something about topic %d and about long documents. ", i, i%17)
		if i%50 == 49 {
			fmt.Fprintf(&b, "\n\n# Part %d\n", i/50)
		}
	}
	r, err := summarizer(t).Summarize(context.Background(), parsed(b.String()), Options{})
	if err != nil || r.Read.Sentences != 3000 {
		t.Fatalf("found %v, %v", r, err)
	}
	for i, s := range r.All {
		if math.IsNaN(s.Score) || math.IsInf(s.Score, 0) {
			t.Fatalf("sentence %d has the score %g", i, s.Score)
		}
	}
}

func TestPage(t *testing.T) {
	d := parsed(strings.ReplaceAll(paper, "Windows of 128", "<script>alert(1)</script> & `<b>` windows of 128") + "\n```\na < b\n```\n")
	r, err := summarizer(t).Summarize(context.Background(), d, Options{Budget: Budget{Words: 60}})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"<h2>Method</h2>", "<mark id=\"s", "<rect ", "<pre>", "a &lt; b", "The weather was fine on that day.",
		"</html>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "http") {
		t.Error("the page has a script or an address")
	}
	if n := strings.Count(text, "<mark id="); n != len(r.Sentences) {
		t.Errorf("%d sentences are lit, expected %d", n, len(r.Sentences))
	}
	if err := document.Parse("page", text, 0, document.HTML); len(err.Blocks) < 10 {
		t.Errorf("the page has %d blocks", len(err.Blocks))
	}
}

func TestFeatureNamesAreComplete(t *testing.T) {
	d := parsed(paper)
	text, err := newText(context.Background(), d, "", &Frequencies{step: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	m, f := text.measure(), featureRow{make([]float32, FeatureCount), 0}
	text.position(&f, 0, &m.place)
	text.surface(&f, 0)
	m.like.append(&f, 0)
	m.words.append(&f, 0)
	if f.n != len(plainFeatures) {
		t.Errorf("found %d features, expected the %d of the list", f.n, len(plainFeatures))
	}
	if n, want := strings.Count(featureNames(), "\n")+1, FeatureCount+termKind.width()+pairKind.width(); n != want {
		t.Errorf("found %d names of %d features", n, want)
	}
}

// Same text, same bits; and the numbers of threads do not matter.
func TestScoresAreDeterministic(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	var all [2][]float32
	for k := range all {
		text, err := newText(context.Background(), parsed(paper), "", m.frequencies)
		if err != nil {
			t.Fatal(err)
		}
		text.threads = 1 + k
		if all[k], err = m.Score(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Errorf("found %v and %v", all[0], all[1])
	}
}

func TestClassesOfSections(t *testing.T) {
	for title, want := range map[string]string{
		"1 Introduction": "introduction", "Conclusions and future work": "conclusion", "Specification": "specification",
		"Rationale":     "motivation",
		"5 Experiments": "results", "Backwards Compatibility": "compatibility", "Rejected Ideas": "rejected", "Xyz": "", "Our Approach": "method",
	} {
		got := ""
		if c := classOf(title); c >= 0 {
			got = sectionClasses[c].name
		}
		if got != want {
			t.Errorf("%s: found %q, expected %q", title, got, want)
		}
	}
	if sectionClasses[introductionClass].name != "introduction" || sectionClasses[conclusionClass].name != "conclusion" ||
		sectionClasses[specificationClass].name != "specification" {
		t.Error("the numbers of classes are not those of the list")
	}
}

// Any text has a summary or an error, whose places lie in it.
func FuzzSummarize(f *testing.F) {
	for _, text := range []string{paper, "", "a", "a b c d e.", "# x\n", "これは。", strings.Repeat("x ", 200), "- a b c d e f\n- b"} {
		f.Add(text, 20, "cat")
	}
	s := summarizer(f)
	f.Fuzz(func(t *testing.T, text string, words int, query string) {
		if !utf8.ValidString(text) {
			return
		}
		r, err := s.Summarize(context.Background(), parsed(text), Options{Budget: Budget{Words: words}, Query: query})
		if err != nil {
			return
		}
		for _, c := range r.Sentences {
			if c.From < 0 || c.To > int64(len(text)) || c.From >= c.To || math.IsNaN(c.Score) {
				t.Fatalf("%q: found %+v", text, c)
			}
		}
		if err := r.WriteHTML(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkSummarize(b *testing.B) {
	s := summarizer(b)
	text := strings.Repeat(paper[strings.Index(paper, "##"):], 60)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := s.Summarize(context.Background(), parsed(text), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
