package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
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

func newOutput(out, err io.Writer, json bool) *output {
	return &output{out: &stdout{w: out}, err: err, json: json}
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

// finish prints err, unless the command has reported it, and returns the exit status. Output that could not be written is an error,
// whatever the command returned.
func (o *output) finish(err error) int {
	status := statusOf(err)
	unreported := err != nil && !errors.As(err, &reported{}) && !errors.As(err, &lostError{})
	if unreported && o.json {
		_ = o.print(o.failure(err), nil) // lost, below, has a write error
	}
	lost := o.lost()
	if unreported && (!o.json || lost != nil) {
		fmt.Fprintf(o.err, "longspan: %s%v%s\n%s", rankLabel(), err, lookedFor(err), pointAt(err))
	}
	if lost != nil {
		fmt.Fprintf(o.err, "longspan: %v\n", lost)
	}
	if lost != nil && !unreported {
		return exitFailed
	}
	return status
}

// failure is an error as JSON.
func (o *output) failure(err error) any {
	return struct {
		Error string `json:"error"`
		Exit  int    `json:"exit"`
	}{err.Error() + lookedFor(err), statusOf(err)}
}

// lookedFor names the directory in which a relative path of a missing file was looked for; "" for other errors.
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

// arguments makes the errors of cobra's check of positional arguments usage errors, which say how the command is used.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) == nil {
			return nil
		}
		found := "no argument"
		if len(args) > 0 {
			found = "the arguments " + quotedList(args)
		}
		return usage(fmt.Errorf("found %s, expected: %s", found, c.UseLine()))
	}
}

// quotedList is a list of quoted words.
func quotedList(words []string) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, strconv.Quote(w))
	}
	return strings.Join(quoted, ", ")
}

// flagError is the error of flags that cannot be parsed. An unknown subcommand comes first: the flags behind it are those of another.
func flagError(c *cobra.Command, err error) error {
	if rest := c.Flags().Args(); c.HasSubCommands() && len(rest) > 0 {
		if wrong := c.ValidateArgs(rest); wrong != nil {
			return usage(wrong)
		}
	}
	return usage(fmt.Errorf("%w; '%s --help' lists the flags", err, c.CommandPath()))
}

// family is a command that only has subcommands. Alone it shows its help. An unknown subcommand is a usage error, which cobra would let
// pass.
func family(c *cobra.Command, members ...*cobra.Command) *cobra.Command {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var names []string
		for _, m := range members {
			names = append(names, m.Name())
		}
		return usage(fmt.Errorf("unknown command %q for %q, expected %s", args[0], c.CommandPath(), either(names)))
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(members...)
	return c
}

// either lists choices: a, b or c.
func either(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
