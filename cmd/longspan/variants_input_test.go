//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A VCF from a pipe has the scores of a file, and cannot be gone on with.
func TestVariantsOfPipe(t *testing.T) {
	inRun(t)
	text, err := os.ReadFile("in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Skip(err)
	}
	score := func(want int, arguments ...string) string {
		var log bytes.Buffer
		if got := run(append([]string{"variants", "score", "run", "-R", "ref.fa"}, arguments...), io.Discard, &log); got != want {
			t.Errorf("%v: found status %d, want %d: %s", arguments, got, want, &log)
		}
		return log.String()
	}
	score(exitOK, "-I", "in.vcf", "-O", "file.tsv")
	written := make(chan error, 1)
	go func() { written <- os.WriteFile("pipe", text, 0) }()
	score(exitOK, "-I", "pipe", "-O", "pipe.tsv")
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	want, _ := os.ReadFile("file.tsv")
	if got, err := os.ReadFile("pipe.tsv"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("found %q, want %q, %v", got, want, err)
	}
	go func() { written <- os.WriteFile("pipe", text, 0) }()
	if log := score(exitUsage, "-I", "pipe", "-O", "pipe.tsv", "--resume"); !strings.Contains(log, "expected a file") {
		t.Errorf("found %s", log)
	}
	<-written // the pipe may have been closed
}

// No output is written over an input, whatever its name.
func TestVariantsKeepInputs(t *testing.T) {
	inRun(t)
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, old := range map[string]string{"same.vcf": "in.vcf", "one.vcf.partial": "in.vcf", "two.vcf.state": "in.vcf",
		"map.tsv": "ref.fa"} {
		if err := os.Link(old, name); err != nil {
			t.Fatal(err)
		}
	}
	vcf, ref := read("in.vcf"), read("ref.fa")
	for _, line := range []string{
		"variants score run -R ref.fa -I in.vcf -O ./in.vcf",
		"variants score run -R ref.fa -I in.vcf -O same.vcf",
		"variants score run -R ref.fa -I one.vcf.partial -O one.vcf",
		"variants score run -R ref.fa -I two.vcf.state -O two.vcf",
		"variants map run -R ref.fa -O map.tsv",
		"variants haplotypes -R ref.fa -I in.vcf --haplotype 1 -O ref.fa",
	} {
		var log bytes.Buffer
		status := run(strings.Fields(line), io.Discard, &log)
		if status != exitUsage || !strings.Contains(log.String(), "which is read; give another name") {
			t.Errorf("%s: found status %d, %s", line, status, &log)
		}
		if read("in.vcf") != vcf || read("ref.fa") != ref {
			t.Fatalf("%s: an input was changed", line)
		}
	}
}
