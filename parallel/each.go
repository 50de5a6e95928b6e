package parallel

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// ExitPanic is the exit status with which a panic on one rank ends all of them.
const ExitPanic = 7

// Each calls f for every engine of this process, each on a goroutine of its own, since ranks wait for each other. Where one of several
// fails, the others are ended. Each returns an error that is not a consequence of another, if there is one. A panic ends all ranks, and
// goes on.
func Each(engines []Engine, f func(i int, e Engine) error) error {
	errs := make([]error, len(engines))
	var all sync.WaitGroup
	for i, e := range engines {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					e.Abort(ExitPanic, fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
					panic(p)
				}
			}()
			if errs[i] = f(i, e); errs[i] != nil && len(engines) > 1 && !errors.Is(errs[i], ErrAborted) {
				e.Abort(1, errs[i].Error())
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, ErrAborted) {
			return err
		}
	}
	return errors.Join(errs...)
}
