package resample

// taps are the weights of one axis. Those of output pixel i are weights[start[i]:start[i+1]], for the pixels from first[i] on. Each output
// pixel has at least one.
type taps struct {
	weights []float32
	start   []int
	first   []int
}

// newTaps computes the weights from a length to another. It holds about 2·support weights for each pixel of the longer one.
func newTaps(from, to int, k Kernel) *taps {
	t := &taps{start: make([]int, 1, to+1), first: make([]int, to)}
	scale := float64(from) / float64(to)
	stretch := max(scale, 1)
	reach := kernels[k].support * stretch
	var wide []float64 // the weights of one output pixel
	for i := range to {
		centre := (float64(i) + 0.5) * scale
		low := max(int(centre-reach+0.5), 0)
		high := min(int(centre+reach+0.5), from)
		wide = wide[:0]
		sum := 0.0
		for j := low; j < high; j++ {
			w := kernels[k].at((float64(j) - centre + 0.5) / stretch)
			wide = append(wide, w)
			sum += w
		}
		for _, w := range wide {
			t.weights = append(t.weights, float32(w/sum))
		}
		t.first[i] = low
		t.start = append(t.start, len(t.weights))
	}
	return t
}

// of is the weights of an output pixel, and the first pixel that they weigh.
func (t *taps) of(i int) ([]float32, int) { return t.weights[t.start[i]:t.start[i+1]], t.first[i] }
