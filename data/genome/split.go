package genome

import "github.com/longspan/longspan/data/dna"

// Split is a sequence cut in three, end to end: for training, for validation, and for the test.
type Split struct{ Train, Validation, Test dna.Span }

// SplitOf cuts n bases: the last tenth is the test, the twentieth before it the validation. One cut keeps the
// pieces apart: scattered pieces would share genes across every border.
func SplitOf(n int) Split {
	validation, test := n-n/10-n/20, n-n/10
	return Split{dna.Span{Start: 0, End: validation}, dna.Span{Start: validation, End: test}, dna.Span{Start: test, End: n}}
}
