package chunk

import (
	"fmt"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
)

// ExactOverlap is the overlap at which chunks of a stack of layers give the bits of the whole document, where each layer
// looks at most window tokens to either side: layers·window, rounded up to a multiple of Tile. It returns an error
// if one is below 0 or the product past pattern.MaxTokens.
func ExactOverlap(layers, window int) (int, error) {
	if err := checkLength("layers", layers); err != nil {
		return 0, err
	}
	if err := checkLength("window", window); err != nil {
		return 0, err
	}
	far := int64(layers) * int64(window)
	if far > pattern.MaxTokens {
		return 0, fmt.Errorf("chunk: found %d layers that look %d tokens far, %d in all, expected at most %d; run the document as a whole",
			layers, window, far, pattern.MaxTokens)
	}
	return ceil.Multiple(int(far), Tile), nil
}

// Exact returns the options with which chunks of size tokens give the bits of the whole document, for a stack of
// layers with these patterns, from the first to the last: Before and After are what the layers look back and ahead,
// added up, so a causal stack needs nothing after. It returns an error, with the reason, for a pattern that looks as
// far as the document goes, or that is bound to places in it, such as global positions.
func Exact(size int, layers ...pattern.Pattern) (Options, error) {
	o := Options{Size: size}
	reaches, period, err := reachOf(layers)
	if err != nil {
		return o, err
	}
	var before, after int64
	for i, r := range reaches {
		if max(r.Before, r.After) >= pattern.Unbounded {
			return o, fmt.Errorf("chunk: layer %d, %v: found a pattern that looks as far as the document goes, expected a bounded one; combine "+
				"it with a window, as in causal & window(512), or run the document as a whole",
				i+1, layers[i])
		}
		before, after = before+int64(r.Before), after+int64(r.After)
	}
	if far := max(before, after); far > pattern.MaxTokens {
		return o, fmt.Errorf("chunk: found layers that together look %d tokens far, expected at most %d; run the document as a whole",
			far, pattern.MaxTokens)
	}
	o.Before, o.After, o.Period = int(before), int(after), period
	return o.resolve()
}

// reachOf returns the reach of each layer, and after how many tokens all of them repeat.
func reachOf(layers []pattern.Pattern) ([]pattern.ReceptiveField, int, error) {
	reaches := make([]pattern.ReceptiveField, len(layers))
	for i, p := range layers {
		r, err := pattern.ReceptiveFieldOf(p)
		if err != nil {
			return nil, 0, fmt.Errorf("chunk: layer %d cannot run in chunks: %w", i+1, err)
		}
		reaches[i] = r
	}
	if len(layers) == 0 {
		return nil, 1, nil
	}
	// Each layer has a reach, so the only error left is that the layers have no common period.
	all, err := pattern.ReceptiveFieldOf(pattern.Or(layers...))
	if err != nil {
		return nil, 0, fmt.Errorf("chunk: %w", err)
	}
	return reaches, all.Period, nil
}
