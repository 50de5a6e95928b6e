package pattern

import (
	"fmt"
	"math"
	"strings"
)

// form is a name of the text form: what may stand in its parentheses, and what it builds.
type form struct {
	name     string
	params   []string // names of the arguments, in order
	required int      // how many of them must be given
	defaults []string // what the others are if left out, "" where that depends on those given
	rest     string   // what any number of further arguments are; "" takes none
	runs     bool     // whether one of the rest may be a run, lo..hi
	about    string   // one line for the reference
	build    func(a arguments) Pattern
}

// usage is how the form is written, such as "window(before, [after])" or "summary(n, at=0)".
func (f form) usage() string {
	parts := make([]string, 0, len(f.params)+1)
	for i, p := range f.params {
		switch {
		case i < f.required:
		case f.defaults[i-f.required] != "":
			p += "=" + f.defaults[i-f.required]
		default:
			p = "[" + p + "]"
		}
		parts = append(parts, p)
	}
	if f.rest != "" {
		parts = append(parts, f.rest+", …")
	}
	if len(parts) == 0 {
		return f.name
	}
	return f.name + "(" + strings.Join(parts, ", ") + ")"
}

// number is an argument as written: lo, or the run lo..hi.
type number struct {
	negative bool
	lo, hi   uint64
}

// toInt holds at the ends of int what does not fit it; the constructors refuse that much.
func (n number) toInt() int {
	v := int(min(n.lo, math.MaxInt))
	if n.negative {
		return -v
	}
	return v
}

// arguments are what was given: named ones by their place in params, then the rest.
type arguments struct {
	named []number
	given []bool
	rest  []number
}

// int returns named argument i, or what stands for it where it was left out.
func (a arguments) int(i, otherwise int) int {
	if !a.given[i] {
		return otherwise
	}
	return a.named[i].toInt()
}

// positions returns the rest as one integer each.
func (a arguments) positions() []int {
	at := make([]int, len(a.rest))
	for i, n := range a.rest {
		at[i] = n.toInt()
	}
	return at
}

// spans returns the rest as runs of positions.
func (a arguments) spans() []Span {
	at := make([]Span, len(a.rest))
	for i, n := range a.rest {
		lo := n.toInt()
		at[i] = Span{lo, max(lo, int(min(n.hi, MaxTokens))) + 1}
		if lo >= MaxTokens { // refused by the constructor; lo+1 could overflow
			at[i].Hi = lo
		}
	}
	return at
}

// forms lists every name of the text form, in the order of the reference. A form stands in the file of its pattern.
func forms() []form {
	return []form{fullForm, noneForm, causalForm, windowForm, memoryForm, window2DForm, dilatedForm, globalForm, longformerForm,
		bigBirdForm, segmentsForm, segmentsAtForm, summaryForm, stridedForm, prefixForm, shortForm}
}

// Name describes one name of the text form.
type Name struct {
	Name  string // "window"
	Usage string // "window(before, [after])"
	About string // one line
}

// Names lists what Parse knows, for a reference or a --help.
func Names() []Name {
	all := forms()
	names := make([]Name, len(all))
	for i, f := range all {
		names[i] = Name{f.name, f.usage(), f.about}
	}
	return names
}

// Reference is the text form in a few lines of plain text: every name, and how they combine.
func Reference() string {
	var b strings.Builder
	for _, n := range Names() {
		fmt.Fprintf(&b, "  %-54s  %s\n", n.Usage, n.About)
	}
	b.WriteString("\n  a & b   keys that both let a query see\n" +
		"  a | b   keys that either does; & binds closer, parentheses group\n")
	return b.String()
}

// nearest returns the known name that takes the fewest changed letters to reach from what was written, or "" when
// none is near.
func nearest(written string, names []string) string {
	best, fewest := "", len([]rune(written))/2+1 // half the letters wrong is another word
	for _, n := range names {
		if d := editDistance(strings.ToLower(written), n); d < fewest {
			best, fewest = n, d
		}
	}
	return best
}

// editDistance is Levenshtein's: insertions, deletions and changes of one letter.
func editDistance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j := range to {
			change := diagonal
			if from[i] != to[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
