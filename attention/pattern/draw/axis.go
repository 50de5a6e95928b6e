package draw

import "strconv"

// ticks returns round positions from lo up to hi, both of which are among them, about limit or fewer. Steps are powers of
// two where both ends are multiples of 256, as lengths in tokens often are, and 1, 2 or 5 times a power of ten otherwise.
func ticks(lo, hi, limit int) []int {
	step := tickStep(hi-lo, max(1, min(limit, 8)), lo%256 == 0 && hi%256 == 0)
	at := []int{lo}
	for t := (lo/step + 1) * step; t < hi; t += step {
		// Positions closer to an end than half a step would run into its label.
		if 2*(t-lo) >= step && 2*(hi-t) >= step {
			at = append(at, t)
		}
	}
	return append(at, hi)
}

// tickStep returns the smallest round step that divides length into at most limit parts.
func tickStep(length, limit int, binary bool) int {
	if binary {
		step := 1
		for length/step > limit {
			step *= 2
		}
		return step
	}
	for decade := 1; ; decade *= 10 {
		for _, m := range []int{1, 2, 5} {
			if length/(decade*m) <= limit {
				return decade * m
			}
		}
	}
}

// grouped writes n with commas between thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	out := make([]byte, 0, len(digits)+len(digits)/3)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out = append(out, ',')
		}
		out = append(out, digits[i])
	}
	return string(out)
}

// counted formats a number with a noun, whose singular is given.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// percent writes a share in three digits: "100%", "3.13%", "0.0977%".
func percent(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 3, 64) + "%"
}
