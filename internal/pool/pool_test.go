package pool_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longspan/longspan/internal/pool"
)

// TestRun holds that each piece runs once, and that no two calls have one worker at a time: many runs, from several callers, one inside
// another.
func TestRun(t *testing.T) {
	var callers sync.WaitGroup
	for range 3 {
		callers.Go(func() {
			for i := range 300 {
				checkRun(t, 1+i%5, i%13, i%50 == 0)
			}
		})
	}
	callers.Wait()
}

func checkRun(t *testing.T, threads, pieces int, nested bool) {
	busy, done := make([]atomic.Bool, threads), make([]atomic.Int32, pieces)
	pool.Run(threads, pieces, func(worker, piece int) {
		if !busy[worker].CompareAndSwap(false, true) {
			t.Errorf("worker %d runs two pieces at a time", worker)
		}
		if nested {
			checkRun(t, 3, 7, false)
		}
		done[piece].Add(1)
		busy[worker].Store(false)
	})
	for i := range done {
		if n := done[i].Load(); n != 1 {
			t.Errorf("%d threads: piece %d of %d ran %d times", threads, i, pieces, n)
		}
	}
}

// TestHelpersLeave holds that goroutines do not stay awake.
func TestHelpersLeave(t *testing.T) {
	before := runtime.NumGoroutine()
	pool.Run(8, 100, func(_, _ int) { runtime.Gosched() })
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines are left, %d were there before", runtime.NumGoroutine(), before)
}
