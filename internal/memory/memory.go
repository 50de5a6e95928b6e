// Package memory reads how much memory this process may still take, so that work that does not fit is refused before it allocates.
package memory

import (
	"fmt"
	"math"
	"math/bits"
)

// Info is the memory of this machine as this process may use it, in bytes. A field that the system does not tell is 0.
type Info struct {
	Total     int64 `json:"total_bytes"`     // of the machine, or of the container where that is less
	Available int64 `json:"available_bytes"` // what can be taken now without swapping, page cache that can be dropped included
}

// Read asks the operating system: /proc/meminfo, the control group (both versions) and the process's limits on Linux, sysctl on macOS.
// Elsewhere, and where a number is missing, the field is 0.
func Read() Info { return read() }

// Limit is the number of bytes that this process can still allocate under its own limits, such as that of ulimit -v: at least 1, and
// math.MaxInt64 without a limit. The Available of Read is at most Limit. Past it an allocation fails, and the Go runtime ends the process.
func Limit() int64 { return limit() }

// Error says that something will not fit.
type Error struct {
	What            string // what was to be allocated
	Need, Available int64  // bytes
	Advice          string // what to do; empty: what helps with any attention
}

func (e *Error) Error() string {
	if e.Need == math.MaxInt64 {
		return fmt.Sprintf("%s takes more bytes than a 64-bit number can count", e.What)
	}
	advice := e.Advice
	if advice == "" {
		advice = "use fewer tokens or heads, or a smaller type"
	}
	limited := ""
	if Limit() < math.MaxInt64 {
		limited = " under the limits of this process (ulimit -v, ulimit -d)"
	}
	return fmt.Sprintf("%s takes %s (%d bytes) and %s (%d bytes) are available%s; %s",
		e.What, Format(e.Need), e.Need, Format(e.Available), e.Available, limited, advice)
}

// Check returns an *Error if need bytes for what are more than are available now. Where the system does not tell what is
// available only a need that overflows is refused.
func Check(what string, need int64) error {
	available := Read().Available
	if need == math.MaxInt64 || available > 0 && need > available {
		return &Error{What: what, Need: need, Available: available}
	}
	return nil
}

// Product multiplies sizes that are not negative; a product past 63 bits is math.MaxInt64, which Check refuses.
func Product(sizes ...int) int64 {
	product := uint64(1)
	for _, n := range sizes {
		high, low := bits.Mul64(product, uint64(n))
		if high != 0 || low > math.MaxInt64 {
			return math.MaxInt64
		}
		product = low
	}
	return int64(product)
}

// Sum adds sizes that are not negative; a sum past 63 bits is math.MaxInt64.
func Sum(sizes ...int64) int64 {
	sum := int64(0)
	for _, n := range sizes {
		if n > math.MaxInt64-sum {
			return math.MaxInt64
		}
		sum += n
	}
	return sum
}

// Format prints bytes with a binary unit: "512 B", "1.50 GiB".
func Format(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n), 0
	for size >= 1024 && unit < 6 {
		size, unit = size/1024, unit+1
	}
	return fmt.Sprintf("%.2f %ciB", size, " KMGTPE"[unit])
}
