// Command longspan trains, evaluates and samples Transformers over long sequences, and draws, checks and measures attention on this
// machine's CPU.
//
// Exit status: 0 done, 2 bad usage or input, 3 will not fit the memory, 1 anything else.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/parallel/launch"
)

func main() { launch.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole tool: it returns the exit status.
func run(args []string, out, stderr io.Writer) int {
	// An error may lie in the flags, so --json is looked up before they are parsed.
	o := newOutput(out, stderr, slices.Contains(args, "--json"))
	root := newRoot(o)
	root.SetArgs(args)
	return o.finish(root.Execute())
}

func newRoot(o *output) *cobra.Command {
	root := &cobra.Command{
		Use:           "longspan",
		Short:         "Transformers over long sequences on CPUs: train, run and measure them",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			_, err := cpu.Chosen()
			return usage(errors.Join(err, checkThreads(c), checkRanks(c)))
		},
	}
	root.SetOut(o.out)
	root.SetErr(o.err)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().BoolVar(&o.json, "json", o.json, "print JSON on standard output, errors too")
	if o.json {
		root.SetVersionTemplate("{\"version\": \"{{.Version}}\"}\n")
		root.SetHelpFunc(func(c *cobra.Command, _ []string) {
			_ = o.print(struct { // finish reports a write error
				Help string `json:"help"`
			}{c.Long + c.UsageString()}, nil)
		})
	}
	root.AddCommand(newBench(o), newDemo(o), newInfo(o), newInspect(o), newLengthen(o), newMask(o), newModels(o), newPull(o),
		newTokenizer(o), newTour(o), newVerify(o))
	root.AddCommand(newTraining(o)...)
	root.AddCommand(newClassify(o), newEmbed(o), newFill(o), newRerank(o), newRetrieve(o), newTag(o))
	root.AddCommand(newImage(o), newRouge(o), newSummarize(o), newVariants(o))
	return root
}

// checkThreads checks --threads of any command that has it. More threads than processors take turns, and each has memory of its own. A
// few more do no harm, as in a recipe for another machine.
func checkThreads(c *cobra.Command) error {
	f := c.Flags().Lookup("threads")
	if f == nil || !f.Changed {
		return nil
	}
	most := max(1024, runtime.NumCPU())
	if n, err := strconv.Atoi(f.Value.String()); err != nil || n < 1 || n > most {
		return fmt.Errorf("found --threads %s, expected between 1 and %d; leave it out to use all %d processors",
			f.Value, most, runtime.GOMAXPROCS(0))
	}
	return nil
}
