package summarize

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cues are words by which authors announce what they do, and words that summaries seldom have.
var cues = []string{
	"we present", "we propose", "we describe", "we introduce", "we show", "we find", "we found", "we have ", "we also", "we report",
	"this paper", "this pep", "this eip", "this article", "in this", "our ", "we ", "proposes", "presented", "describes", "approach", "method",
	"results", "show that", "conclu", "in summary", "however", "for example", "e.g.", "figure", "table", "section", "propose", "novel",
}

// plainFeatures are the names of the features beside the classes of sections and the cues, in the order in which they are computed.
var plainFeatures = []string{
	// position
	"place", "log place", "inverse place", "first 3", "first 10", "place in section", "log place in section", "first of section",
	"last of section", "section", "first section", "last section", "log sentences of section", "log sections", "log sentences",
	"has conclusion", "has specification",
	// surface
	"log words", "fewer than 8 words", "more than 40 words", "digits", "symbols", "capitals", "ends as a sentence", "year", "code",
	// likeness
	"title overlap", "title terms", "heading overlap", "centroid", "lexrank", "first five", "introduction", "conclusion", "neighbours",
	"centroid rank", "lexrank rank", "title rank",
	// words
	"mean idf", "frequency", "new terms", "repeated pairs", "pair frequency", "frequency rank", "pair rank",
}

// FeatureCount is the number of features of a sentence.
var FeatureCount = len(plainFeatures) + len(sectionClasses) + len(cues)

// measured is a text whose sentences can be measured.
type measured struct {
	text  *Text
	place placement
	like  likeness
	words wordStatistics
}

// measure computes what the features need of the whole text, once. Cost: linear in the text.
func (t *Text) measure() *measured {
	if t.measured == nil {
		t.measured = &measured{text: t, place: t.placement(), words: t.wordStatistics()}
		t.measured.like.compute(t, &t.measured.place)
	}
	return t.measured
}

// rows computes the features of the sentences from … to−1, row by row, before they are standardised.
func (m *measured) rows(from, to int) []float32 {
	t := m.text
	out := make([]float32, (to-from)*FeatureCount)
	for i := from; i < to; i++ {
		f := featureRow{out[(i-from)*FeatureCount : (i-from+1)*FeatureCount], 0}
		t.position(&f, i, &m.place)
		t.surface(&f, i)
		m.like.append(&f, i)
		m.words.append(&f, i)
		class := m.place.class[t.Sentences[i].Section]
		for c := range sectionClasses {
			f.flag(c == class)
		}
		text := strings.ToLower(t.Sentences[i].Text)
		for _, cue := range cues {
			f.flag(strings.Contains(text, cue))
		}
	}
	return out
}

// featureRow is the features of a sentence under way.
type featureRow struct {
	values []float32
	n      int
}

func (r *featureRow) add(values ...float64) {
	for _, v := range values {
		r.values[r.n] = float32(v)
		r.n++
	}
}

func (r *featureRow) flag(is bool) {
	if is {
		r.values[r.n] = 1
	}
	r.n++
}

// placement is where sentences stand in their sections.
type placement struct {
	place, length    []int // of each sentence in its section, and the length of the section
	sections         int   // that have sentences
	ordinal          []int // of each section among those with sentences
	class            []int // of each section
	introduction     []int // sentences of introductions, or of the first section
	conclusion       []int // sentences of conclusions
	hasSpecification bool
}

func (t *Text) placement() (p placement) {
	sections := len(t.Document.Sections)
	size := make([]int, sections)
	p.ordinal, p.class = make([]int, sections), make([]int, sections)
	for i := range p.ordinal {
		p.ordinal[i], p.class[i] = -1, classOf(t.Document.Sections[i].Title)
		p.hasSpecification = p.hasSpecification || p.class[i] == specificationClass
	}
	for i, s := range t.Sentences {
		if p.ordinal[s.Section] < 0 {
			p.ordinal[s.Section] = p.sections
			p.sections++
		}
		p.place = append(p.place, size[s.Section])
		size[s.Section]++
		switch class := p.class[s.Section]; {
		case class == conclusionClass:
			p.conclusion = append(p.conclusion, i)
		case class == introductionClass, p.ordinal[s.Section] == 0:
			p.introduction = append(p.introduction, i)
		}
	}
	for _, s := range t.Sentences {
		p.length = append(p.length, size[s.Section])
	}
	return p
}

// position adds the features of a sentence's place.
func (t *Text) position(f *featureRow, i int, p *placement) {
	n := len(t.Sentences)
	place, section, length := p.place[i], p.ordinal[t.Sentences[i].Section], p.length[i]
	f.add(float64(i)/float64(n), math.Log1p(float64(i)), 1/float64(1+i))
	f.flag(i < 3)
	f.flag(i < 10)
	f.add(float64(place)/float64(length), math.Log1p(float64(place)))
	f.flag(place == 0)
	f.flag(place == length-1)
	f.add(float64(section) / float64(p.sections))
	f.flag(section == 0)
	f.flag(section == p.sections-1)
	f.add(math.Log1p(float64(length)), math.Log1p(float64(p.sections)), math.Log(float64(n)))
	f.flag(len(p.conclusion) > 0)
	f.flag(p.hasSpecification)
}

// surface adds the features of a sentence's characters.
func (t *Text) surface(f *featureRow, i int) {
	s := t.Sentences[i]
	digits, symbols, capitals, all := 0, 0, 0, 0
	year, run := false, 0
	for _, r := range s.Text {
		all++
		switch {
		case '0' <= r && r <= '9':
			digits++
			run++
			continue
		case unicode.IsUpper(r):
			capitals++
		case !unicode.IsLetter(r) && r != ' ' && r != '.' && r != ',':
			symbols++
		}
		year = year || run == 4
		run = 0
	}
	total := float64(max(1, all))
	f.add(math.Log1p(float64(s.Words)))
	f.flag(s.Words < 8)
	f.flag(s.Words > 40)
	f.add(float64(digits)/total, float64(symbols)/total, float64(capitals)/total)
	last, _ := utf8.DecodeLastRuneInString(s.Text)
	f.flag(unicode.Is(unicode.Sentence_Terminal, last))
	f.flag(year || run == 4)
	f.flag(strings.ContainsAny(s.Text, "{}<>=_\\|`#") || strings.Contains(s.Text, "()"))
}
