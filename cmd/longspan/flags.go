package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
)

// addMaxMemory adds --max-memory, the largest number of bytes a command may take. unset describes the default.
func addMaxMemory(c *cobra.Command, text *string, unset string) {
	c.Flags().StringVar(text, "max-memory", "",
		"largest use of memory, such as 8GiB (default: "+unset+"); what does not fit ends with status 3")
	renamed(c, "memory", "max-memory")
}

// budget parses the value of --max-memory, in bytes. Without one it is the available memory, or 0 if the system does not report that.
func budget(text string) (int64, error) {
	if text == "" {
		return memory.Read().Available, nil
	}
	n, err := memory.Parse(text)
	if err != nil {
		return 0, usage(fmt.Errorf("--max-memory: %w", err))
	}
	return n, nil
}

// renamed makes the old name of a flag an error that gives the new one.
func renamed(c *cobra.Command, old, name string) {
	c.Flags().Var(renamedFlag(name), old, "")
	if err := c.Flags().MarkHidden(old); err != nil {
		panic(err) // the flag is added in the line above
	}
}

// renamedFlag is the new name of a flag.
type renamedFlag string

func (f renamedFlag) String() string { return "" }

func (f renamedFlag) Type() string { return "string" }

// Set refuses every value.
func (f renamedFlag) Set(string) error { return fmt.Errorf("the flag is now --%s", string(f)) }
