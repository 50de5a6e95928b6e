package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/internal/resume"
)

// patience is a context that is done after a number of questions.
type patience struct {
	context.Context
	left int
}

func (p *patience) Err() error {
	if p.left--; p.left < 0 {
		return context.Canceled
	}
	return nil
}

// longer writes a reference and a VCF with rows for several saves.
func longer(t *testing.T) {
	t.Helper()
	bases := strings.Repeat("GATTACACGTTGCATC", 10)
	var vcf strings.Builder
	vcf.WriteString("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
	for i := range 2500 {
		pos := 2 + i*150/2500
		fmt.Fprintf(&vcf, "1\t%d\t.\t%c\t%c,*\t.\t.\t.\n", pos, bases[pos-1], "CGTA"[strings.IndexByte("ACGT", bases[pos-1])])
	}
	for name, text := range map[string]string{"long.fa": ">1\n" + bases + "\n", "long.vcf": vcf.String()} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Outputs that were stopped and gone on with have the bytes of outputs that were not.
func TestStoppedOutputsGoOn(t *testing.T) {
	inRun(t)
	longer(t)
	saveEvery = 0
	o := newOutput(io.Discard, io.Discard, false)
	m, _, err := openModel(o, "run", modelFlags{}, mechanismFlags{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ref, err := fasta.Open("long.fa")
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	c, _ := ref.Find("1")
	mapped := func(ctx context.Context, out string) error {
		s, err := openScorer(ref, m, score.Options{By: score.BySite}, modelFlags{})
		if err != nil {
			t.Fatal(err)
		}
		v := variantMapOptions{reference: "long.fa", out: out, resume: true}
		form, err := formOf(v.out, mapForms)
		if err != nil {
			t.Fatal(err)
		}
		return v.score(ctx, o, s, []genome.Region{{Contig: c, End: c.Length}}, form, &variantMapReport{})
	}
	scored := func(ctx context.Context, out string) error {
		s, err := openScorer(ref, m, score.Options{}, modelFlags{})
		if err != nil {
			t.Fatal(err)
		}
		v := variantScoreOptions{}
		v.reference, v.input, v.out, v.resume = "long.fa", "long.vcf", out, true
		j := rowJob{rowFlags: &v.rowFlags, output: o, ctx: ctx}
		form, err := formOf(out, forms)
		if err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(v.input)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		var r variantScoreReport
		w := variantScoreWork{&v, form, &r, s}
		if err = w.score(&j, in); err == nil && (r.Rows != 2500 || r.Scored != 2500 || r.Skipped["star"] != 2500 || len(r.Examples) != 1) {
			t.Errorf("%s: found %+v", out, r.Report)
		}
		return err
	}
	for name, write := range map[string]func(context.Context, string) error{
		"map.tsv": mapped, "map.tsv.gz": mapped, "out.vcf": scored, "out.vcf.gz": scored, "out.tsv.gz": scored} {
		if err := write(t.Context(), name); err != nil {
			t.Fatal(name, err)
		}
		stops := 0
		for again := "again." + name; ; stops++ {
			if err := write(&patience{t.Context(), 9}, again); err == nil {
				break
			} else if _, state := os.Stat(resume.State(again)); state != nil || stops > 30 {
				t.Fatal(name, err, state)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile("again." + name); err != nil || !bytes.Equal(got, want) || stops == 0 {
			t.Errorf("%s: %d stops, %d bytes differ from %d, %v", name, stops, len(got), len(want), err)
		}
	}
}
