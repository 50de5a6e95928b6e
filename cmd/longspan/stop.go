package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// stops are the signals on which a run saves a checkpoint and leaves: Ctrl-C, what kill sends, a terminal that was closed, and a reader of
// the output that has gone.
var stops = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}

// untilStopped returns a context that is done at the first of stops; call end to catch them no longer. A second Ctrl-C, or a second of what
// kill sends, ends the process at once: a step may take minutes, and nothing that was saved is lost. A hang-up comes twice when a terminal is
// closed, from the system and from the shell, and output that nobody reads breaks again with every line: neither is more than the
// first. What the process was started to ignore, as nohup has it with hang-ups, stays ignored.
func untilStopped() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	caught := make(chan os.Signal, len(stops))
	for _, s := range stops {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	go func() {
		pressed := false
		for s := range caught {
			cancel()
			if s == syscall.SIGHUP || s == syscall.SIGPIPE {
				continue
			}
			if pressed {
				os.Exit(exitFailed)
			}
			pressed = true
		}
	}()
	return ctx, func() {
		signal.Stop(caught)
		close(caught)
		cancel()
	}
}
