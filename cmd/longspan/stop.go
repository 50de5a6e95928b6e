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

// untilStopped returns a context that is done at the first of stops; end restores the defaults. A second Ctrl-C or SIGTERM ends the process
// at once: a step may take minutes, and saved files stay whole. A second SIGHUP or SIGPIPE does nothing: a closed terminal sends SIGHUP
// twice, and each line of output without a reader raises SIGPIPE. Signals that the process was started to ignore, as nohup does with
// SIGHUP, stay ignored.
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
