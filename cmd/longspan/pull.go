package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/internal/memory"
)

const pullHelp = `Download a model from the Hugging Face hub into the cache that the Python libraries use, and print its folder:

  longspan pull sentence-transformers/all-MiniLM-L6-v2
  longspan pull google/gemma-3-270m@main --dry-run
  longspan pull unsloth/gemma-3-270m-it-GGUF --include '*Q4_K_M.gguf'
  longspan pull answerdotai/ModernBERT-base --local-dir models/modernbert

Without --include the files are those that a model needs: *.json, *.safetensors, *.model, *.txt, *.jinja, and pytorch_model*.bin where
there are no .safetensors. In patterns * also matches "/". What is here already is not downloaded again. A download that broke off or was
stopped continues with the same command. Hashes are checked.

Variables: HF_HOME or HF_HUB_CACHE (the cache), HF_TOKEN (for private and gated repos; it goes to the hub alone), HF_ENDPOINT (another
hub), HF_HUB_OFFLINE=1 (no network), HTTPS_PROXY. docs/hub.md has all of them.
`

// pullOptions are the flags of `pull`.
type pullOptions struct {
	hub.Want
	revision string
	dryRun   bool
}

// pullReport is the output of `pull`.
type pullReport struct {
	Repo        string     `json:"repo"`
	Revision    string     `json:"revision"`
	Commit      string     `json:"commit"`
	Folder      string     `json:"folder"`
	Files       []hub.File `json:"files"` // here: bytes that were here before
	LeftOut     []string   `json:"left_out,omitempty"`
	Notes       []string   `json:"notes,omitempty"`
	Bytes       int64      `json:"bytes"`
	Here        int64      `json:"bytes_here"` // before the download
	Fetched     int64      `json:"bytes_fetched"`
	DryRun      bool       `json:"dry_run,omitempty"`
	Interrupted bool       `json:"interrupted,omitempty"`
	Kept        int64      `json:"bytes_kept,omitempty"` // on the disk after an interruption
}

func newPull(o *output) *cobra.Command {
	var p pullOptions
	c := &cobra.Command{
		Use:   "pull REPO[@REVISION]",
		Short: "Download a model from the Hugging Face hub",
		Long:  pullHelp,
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := p.ref(args[0], c.Flags().Changed("revision"))
			if err != nil {
				return usage(err)
			}
			report, err := p.run(o, r)
			if report == nil {
				return err
			}
			if printed := o.print(report, report.write); printed != nil {
				return printed
			}
			return err
		},
	}
	c.Flags().StringArrayVar(&p.Include, "include", nil, "take the files that match this pattern; may be given again")
	c.Flags().StringArrayVar(&p.Exclude, "exclude", nil, "leave out the files that match this pattern; may be given again")
	c.Flags().StringVar(&p.revision, "revision", "", "branch, tag or commit (default: main), as after @")
	c.Flags().StringVar(&p.Folder, "local-dir", "", "put the files into this folder, not into the cache")
	c.Flags().BoolVar(&p.dryRun, "dry-run", false, "show the files, their sizes and what is here already; download nothing")
	return c
}

// ref is the repo and revision that the arguments name.
func (p *pullOptions) ref(argument string, flagGiven bool) (hub.Ref, error) {
	r, err := hub.ParseRef(argument)
	if err != nil || !flagGiven {
		return r, err
	}
	if r.String() != r.Repo {
		return r, fmt.Errorf("found the revision %s after @ and --revision %s; give one of them", r.Revision, p.revision)
	}
	return hub.ParseRef(r.Repo + "@" + p.revision)
}

// run asks the hub and downloads. With an interruption there are a report and an error.
func (p *pullOptions) run(o *output, r hub.Ref) (*pullReport, error) {
	config, err := hub.FromEnvironment()
	if err != nil {
		return nil, usage(err)
	}
	config.Agent = "longspan/" + version()
	client, err := hub.NewClient(config)
	if err != nil {
		return nil, usage(err)
	}
	ctx, end := untilStopped()
	defer end()
	plan, err := client.Plan(ctx, r, p.Want)
	if err != nil {
		return nil, pullError(err)
	}
	report := &pullReport{Repo: plan.Repo, Revision: plan.Revision, Commit: plan.Commit, Folder: plan.Folder, Files: plan.Files,
		LeftOut: plan.LeftOut, Notes: plan.Notes, DryRun: p.dryRun}
	report.Bytes, report.Here = plan.Bytes()
	if p.dryRun {
		return report, nil
	}
	bar := o.bytesProgress("pull " + r.Repo)
	report.Fetched, err = client.Fetch(ctx, plan, bar.step)
	bar.finish()
	if errors.Is(err, context.Canceled) {
		report.Interrupted, report.Kept = true, plan.Kept()
		return report, reported{errInterrupted}
	}
	if err != nil {
		return nil, pullError(err)
	}
	return report, nil
}

// pullError marks what the user can mend by another argument, variable or right.
func pullError(err error) error {
	var status *hub.StatusError
	switch {
	case errors.Is(err, context.Canceled):
		return errInterrupted
	case errors.Is(err, hub.ErrOffline), errors.Is(err, hub.ErrInput), errors.As(err, &status) && status.Refused():
		return usage(err)
	}
	return err
}

func (r *pullReport) write(w io.Writer) {
	if r.DryRun {
		r.writeFiles(w)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	if n := len(r.LeftOut); n > 0 {
		fmt.Fprintf(w, "left out: %s (--include takes them)\n", listed(printable(r.LeftOut)))
	}
	switch {
	case r.Interrupted:
		fmt.Fprintf(w, "interrupted; %s of %s are kept, and the same command continues\n", memory.Format(r.Kept), memory.Format(r.Bytes))
	case r.DryRun:
		fmt.Fprintf(w, "to download: %s of %s, into %s\n", memory.Format(r.Bytes-r.Here), memory.Format(r.Bytes), r.Folder)
	default:
		fmt.Fprintf(w, "%s at %s (%s): %d files, %s, of which %s came over the network\n",
			r.Repo, r.Revision, r.Commit[:12], len(r.Files), memory.Format(r.Bytes), memory.Format(r.Fetched))
		fmt.Fprintln(w, r.Folder)
	}
}

// printable quotes the names that a terminal would obey: the hub may list any.
func printable(names []string) []string {
	names = slices.Clone(names)
	for i, name := range names {
		if hub.CheckName(name) != nil {
			names[i] = strconv.Quote(name)
		}
	}
	return names
}

// writeFiles prints a table of the files.
func (r *pullReport) writeFiles(w io.Writer) {
	fmt.Fprintf(w, "%12s  %12s  file\n", "size", "here")
	for _, f := range r.Files {
		fmt.Fprintf(w, "%12s  %12s  %s\n", memory.Format(f.Size), memory.Format(f.Here), f.Name)
	}
}
