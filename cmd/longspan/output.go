package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/train"
)

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // anything that is not one of the others
	exitUsage  = 2 // bad usage or input
	exitMemory = 3 // will not fit the memory
)

// output is where a command writes, and in which form.
type output struct {
	out, err io.Writer
	json     bool
}

// print writes a result: value as JSON, or what text writes.
func (o *output) print(value any, text func(w io.Writer)) error {
	if !o.json {
		text(o.out)
		return nil
	}
	encoder := json.NewEncoder(o.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// usageError is a mistake of the user's.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage marks err, if any, as a mistake of the user's.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// reported is a failure whose result is printed already: it only sets the exit status.
type reported struct{ error }

// finish prints err, if any, and returns the exit status.
func (o *output) finish(err error) int {
	status := statusOf(err)
	if status == exitOK || errors.As(err, &reported{}) {
		return status
	}
	if o.json {
		// Nothing is left to do if standard output is gone: the status still tells.
		_ = o.print(struct {
			Error string `json:"error"`
			Exit  int    `json:"exit"`
		}{err.Error() + lookedFor(err), status}, nil)
		return status
	}
	fmt.Fprintf(o.err, "longspan: %v%s\n%s", err, lookedFor(err), pointAt(err))
	return status
}

// lookedFor says, of a file that is not there, from where its path was taken to go; nothing for a path that says that itself.
func lookedFor(err error) string {
	var missing *fs.PathError
	if !errors.As(err, &missing) || !errors.Is(missing, fs.ErrNotExist) || filepath.IsAbs(missing.Path) {
		return ""
	}
	current, err := os.Getwd()
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (looked for from the current directory, %s)", current)
}

func statusOf(err error) int {
	var tooBig *memory.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &tooBig):
		return exitMemory
	case errors.As(err, &usageError{}), errors.Is(err, train.ErrInput), strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage // cobra gives an unknown command no type of its own
	}
	return exitFailed
}

// arguments makes cobra's check of positional arguments a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error { return usage(check(c, args)) }
}

// family is a command that only holds others. By itself it shows its help; a name that is none of them is a usage error, which cobra would
// let pass.
func family(c *cobra.Command, members ...*cobra.Command) *cobra.Command {
	c.Args = arguments(cobra.NoArgs)
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(members...)
	return c
}
