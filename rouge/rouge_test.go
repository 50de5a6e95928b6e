package rouge

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// goldenPair is a line of pairs.jsonl.gz: [precision, recall, F1] of each measure.
type goldenPair struct {
	Reference, Candidate string
	Stem, Plain          [4][3]float64
}

func goldenPairs(t *testing.T, path string) (pairs []goldenPair) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var p goldenPair
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, p)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return pairs
}

// The scores are those of rouge-score; testdata/gen.py made the pairs. LONGSPAN_ROUGE_PAIRS names a file of more pairs.
func TestPairsAreThoseOfRougeScore(t *testing.T) {
	path := "testdata/pairs.jsonl.gz"
	if more := os.Getenv("LONGSPAN_ROUGE_PAIRS"); more != "" {
		path = more
	}
	pairs := goldenPairs(t, path)
	if len(pairs) < 300 {
		t.Fatalf("found %d pairs, expected at least 300", len(pairs))
	}
	worst := 0.0
	for _, c := range []struct {
		name   string
		scorer *Scorer
		want   func(goldenPair) [4][3]float64
	}{
		{"with the stemmer", New(Options{}), func(p goldenPair) [4][3]float64 { return p.Stem }},
		{"without it", New(Options{NoStemmer: true}), func(p goldenPair) [4][3]float64 { return p.Plain }},
	} {
		for i, p := range pairs {
			want := c.want(p)
			for k, s := range c.scorer.Score(p.Reference, p.Candidate).All() {
				for n, v := range []float64{s.Precision, s.Recall, s.F1} {
					far := math.Abs(v - want[k][n])
					worst = max(worst, far)
					if !(far <= 1e-9) {
						t.Fatalf("pair %d, %s %s: found %v, expected %v\nreference %q\ncandidate %q",
							i, Names[k], c.name, s, want[k], p.Reference, p.Candidate)
					}
				}
			}
		}
	}
	t.Logf("%d pairs, largest difference %.3g", len(pairs), worst)
}

// naiveTrace is the table of the textbook with the choice of rouge-score at each step back.
func naiveTrace(a, b []int32) (length int, hit []bool) {
	t := make([][]int, len(a)+1)
	for i := range t {
		t[i] = make([]int, len(b)+1)
		for j := range t[i] {
			switch {
			case i == 0 || j == 0:
			case a[i-1] == b[j-1]:
				t[i][j] = t[i-1][j-1] + 1
			default:
				t[i][j] = max(t[i-1][j], t[i][j-1])
			}
		}
	}
	hit = make([]bool, len(a))
	for i, j := len(a), len(b); i > 0 && j > 0; {
		switch {
		case a[i-1] == b[j-1]:
			hit[i-1] = true
			i, j = i-1, j-1
		case t[i][j-1] > t[i-1][j]:
			j--
		default:
			i--
		}
	}
	return t[len(a)][len(b)], hit
}

// draw makes n numbers below k.
func draw(n, k int, state *uint32) []int32 {
	s := make([]int32, n)
	for i := range s {
		*state = *state*1664525 + 1013904223
		s[i] = int32(*state>>16) % int32(k)
	}
	return s
}

// Rows of words, and blocks of rows, find the subsequence of the textbook's table.
func TestSubsequenceIsThatOfTheTable(t *testing.T) {
	state := uint32(1)
	for _, size := range [][2]int{{1, 1}, {3, 5}, {63, 64}, {64, 65}, {128, 127}, {200, 30}, {30, 200}, {257, 190}} {
		for _, kinds := range []int{2, 5, 40} {
			a, b := draw(size[0], kinds, &state), draw(size[1], kinds, &state)
			length, want := naiveTrace(a, b)
			for _, limit := range []int{blockWords, 1, 7, 50} {
				tab := table{limit: limit}
				tab.mask(b, kinds)
				if got := tab.length(a); got != length {
					t.Errorf("%v of %d kinds: length %d, expected %d", size, kinds, got, length)
				}
				hit := make([]bool, len(a))
				if tab.trace(a, b, hit); !reflect.DeepEqual(hit, want) {
					t.Errorf("%v of %d kinds, blocks of %d words: another subsequence", size, kinds, limit)
				}
			}
		}
	}
}

func TestBest(t *testing.T) {
	s := New(Options{})
	references := []string{"the cat sat", "a dog ran home"}
	best := s.Best(references, "a dog sat")
	if best.One != s.Score(references[1], "a dog sat").One || best.Two.F1 == 0 {
		t.Errorf("found %+v, expected the scores of the second reference", best)
	}
	if none := s.Best(nil, "a"); none != (Scores{}) {
		t.Errorf("without references: found %+v", none)
	}
}

// Tokens of other alphabets are none, and two letters outside ASCII have a lower case inside it.
func TestTokens(t *testing.T) {
	for text, want := range map[string][]string{
		"Caresses, the 3.14 naïve":   {"caress", "the", "3", "14", "na", "ve"},
		"\u212a9 \u0130x":            {"k9", "i", "x"},
		"日本語 \xff\xfe":               nil,
		"dogs ran":                   {"dog", "ran"},
		"don't\r\n\u2028stop\x00now": {"don", "t", "stop", "now"},
	} {
		if got := Tokens(text, true); !reflect.DeepEqual(got, want) {
			t.Errorf("the tokens of %q are %q, expected %q", text, got, want)
		}
	}
	if got := Tokens("caresses", false); got[0] != "caresses" {
		t.Errorf("without the stemmer: %q", got)
	}
}

// Goroutines share a Scorer, and a vocabulary that is forgotten changes nothing.
func TestScorerIsShared(t *testing.T) {
	s := New(Options{})
	want := s.Score("the cat sat on the mat\nit slept", "a cat slept on a mat\nit sat")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if got := s.Score("the cat sat on the mat\nit slept", "a cat slept on a mat\nit sat"); got != want {
					t.Errorf("found %+v, expected %+v", got, want)
				}
			}
		})
	}
	all.Wait()
}

// Any two texts have scores between 0 and 1, and a text with words is its own best summary.
func FuzzScore(f *testing.F) {
	for _, p := range [][2]string{{"", ""}, {"a b\nc", "c\na b"}, {"\xff", "\u0130"}, {"the the the", "the"}, {"\n\n", "...\n"}} {
		f.Add(p[0], p[1])
	}
	s := New(Options{})
	f.Fuzz(func(t *testing.T, a, b string) {
		for k, m := range s.Score(a, b).All() {
			for _, v := range []float64{m.Precision, m.Recall, m.F1} {
				if !(v >= 0 && v <= 1) {
					t.Errorf("%s is %+v", Names[k], m)
				}
			}
		}
		self, words := s.Score(a, a), Tokens(a, true)
		if len(words) > 0 && (self.One.F1 != 1 || self.L.F1 != 1 || self.LSum.F1 != 1) || len(words) > 1 && self.Two.F1 != 1 {
			t.Errorf("%q against itself: %+v", a, self)
		}
	})
}

func BenchmarkScore(b *testing.B) {
	state := uint32(1)
	write := func(lines, words int) string {
		var s strings.Builder
		for range lines {
			for _, w := range draw(words, 2000, &state) {
				s.WriteString("word" + string(rune('a'+w%26)) + string(rune('a'+w/26%26)) + " ")
			}
			s.WriteByte('\n')
		}
		return s.String()
	}
	for _, c := range []struct {
		name                string
		reference, candiate string
	}{
		{"summary", write(6, 25), write(6, 25)},
		{"document", write(6, 25), write(400, 25)},
		{"books", write(400, 25), write(400, 25)},
		{"oneLine", write(1, 10000), write(1, 10000)},
	} {
		s := New(Options{})
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				s.Score(c.reference, c.candiate)
			}
		})
	}
}
