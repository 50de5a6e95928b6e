package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
)

// inScripts are the commands whose output a script checks with document, or a test of their own with oneDocument.
var inScripts = []string{"demo", "image evaluate", "image generate", "image plan", "image train", "image upscale", "lengthen", "retrieve",
	"tokenizer train", "tour", "variants evaluate", "variants sites", "variants splice", "verify attention"}

// smallest has a small run of every other command, in the folder that inRun makes.
var smallest = []struct {
	path string // of the command, without the program
	args string
	slow bool // takes a second of processor time or more
}{
	{"demo pictures", "--out pictures --part 128x96 --paint 170x96", false},
	{"demo variants", "--bases 5000", false},
	{"models", "", false},
	{"bench attention", "--tokens 32 --heads 1 --head-dim 8 --runs 1", false},
	{"bench chart", "--peers peers.json --out chart.png", false},
	{"bench gemm", "--m 8 --n 8 --k 8 --runs 1", false},
	{"bench model", "run --tokens 8 --runs 1", false},
	{"bench open", "--only run", false},
	{"bench ranks", "--sizes 8 --runs 1", false},
	{"bench table", "--only bigbird --runs 1", true},
	{"bench train", "--model longformer --layers 1 --tokens 16 --runs 1", true},
	{"bench train", "--model encoder --set width=16 --set heads=2 --set vocab=32 --tokens 16 --runs 1", false},
	{"classify", "classifier --text law", false},
	{"data", "tiny.yaml", false},
	{"embed", "embedder --text law", false},
	{"eval", "run --batches 1", false},
	{"fill", "masked --text [MASK]", false},
	{"generate", "run ACGT --tokens 5", false},
	{"info", "--quick", false},
	{"inspect", "run --tokens 16", false},
	{"mask", "full --tokens 8", false},
	{"plan", "tiny.yaml --max-memory 32MiB", false},
	{"predict", "run --text ACGT", true}, // refused: the run is a language model
	{"pull", "org/encoder --dry-run", false},
	{"rerank", "cross --query law --text court", false},
	{"rouge", "papers.jsonl papers.jsonl --samples 100", false},
	{"score", "run --text ACGTACGT", false},
	{"summarize", "papers.jsonl --words 20", false},
	{"summarize evaluate", "papers.jsonl --samples 100", false},
	{"summarize train", "papers.jsonl --out again --hold-out 2 --epochs 1", false},
	{"sample", "run --tokens 5 --prompt ACGT", false},
	{"tokenizer decode", "run 0 1 2 3", false},
	{"tokenizer encode", "run --text ACGT", false},
	{"tokenizer info", "run", false},
	{"tag", "tagger --text law", false},
	{"train", "tiny.yaml --out again", false},
	{"variants check", "-R ref.fa -I in.vcf", false},
	{"variants haplotypes", "-R ref.fa -I in.vcf -O hap.fa", false},
	{"variants map", "run -R ref.fa -O map.tsv", false},
	{"variants score", "run -R ref.fa -I in.vcf -O out.tsv", false},
	{"verify ranks", "--local 2 --only engine", false}, // a script runs all of its checks
}

// inRun changes to a folder with a recipe and a run of it, and has a hub answer.
func inRun(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	useHub(t, someHub(t), t.TempDir())
	text := "model: {width: 8, layers: 1, heads: 1, attention: [\"window(4)\"]}\ndata: {genome: {tokens: 16}}\n" +
		"train: {steps: 1, optimizer: {warmup: 0}, eval: {batches: 1}}\n"
	if err := os.WriteFile("tiny.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	peers := `{"rows": [{"peer": "a", "ours_seconds": [1], "theirs_seconds": [2]}]}`
	if err := os.WriteFile("peers.json", []byte(peers), 0o600); err != nil {
		t.Fatal(err)
	}
	papers := strings.Repeat(`{"text": "A cat sat on the mat. The dog ran to the door.", "summary": "A cat sat."}`+"\n", 9)
	if err := os.WriteFile("papers.jsonl", []byte(papers), 0o600); err != nil {
		t.Fatal(err)
	}
	writeVariants(t)
	if err := tinyModels("."); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if status := run([]string{"train", "tiny.yaml", "--out", "run"}, io.Discard, &log); status != exitOK {
		t.Fatalf("training: status %d, %s", status, &log)
	}
}

// writeVariants writes a reference and a VCF.
func writeVariants(t *testing.T) {
	t.Helper()
	vcf := "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\n1\t2\t.\tC\tG\t.\t.\t.\tGT\t0|1\n"
	for name, text := range map[string]string{"ref.fa": ">1\nACGT\n", "in.vcf": vcf} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// oneDocument decodes text, which must hold one JSON document and nothing else.
func oneDocument(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("found more after the document: %v", err)
	}
	return document, nil
}

func TestEveryCommandPrintsOneJSONDocument(t *testing.T) {
	inRun(t)
	commands := []string{"", "--help", "--version", "help mask", "bench", "bench nothing", "mask", "mask window(", "eval nowhere",
		"mask full --tokens none", "plan tiny.yaml --tokens 100000 --max-memory 24MiB"}
	for _, c := range smallest {
		if !testing.Short() || !c.slow {
			commands = append(commands, c.path+" "+c.args)
		}
	}
	for _, command := range commands {
		var stdout, stderr bytes.Buffer
		status := run(append(strings.Fields(command), "--json"), &stdout, &stderr)
		document, err := oneDocument(stdout.Bytes())
		if err != nil {
			t.Errorf("%s --json: status %d, %v, in %q; standard error %q", command, status, err, &stdout, &stderr)
		}
		if list, ok := document.([]any); ok && len(list) == 0 {
			t.Errorf("%s --json: an empty array", command)
		}
	}
}

// Every command that does something is in smallest or in a script.
func TestSmallestHasEveryCommand(t *testing.T) {
	known := map[string]bool{}
	for _, path := range inScripts {
		known[path] = true
	}
	for _, c := range smallest {
		known[c.path] = true
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), "longspan ")
		if !c.HasSubCommands() && !known[path] {
			t.Errorf("no smallest run of %s", path)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&output{out: io.Discard, err: io.Discard}))
}

// fullDisk takes some bytes and then fails.
type fullDisk struct{ room int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// Output that cannot be written fails, in text and in JSON, at the first byte and later.
func TestLostOutputFails(t *testing.T) {
	inRun(t)
	commands := []string{"--help", "--version", "bench", "help mask", "completion bash",
		"plan tiny.yaml --tokens 100000 --max-memory 24MiB"}
	for _, c := range smallest {
		if !c.slow {
			commands = append(commands, c.path+" "+c.args)
		}
	}
	for _, command := range commands {
		for _, mode := range []string{"", " --json"} {
			var stderr bytes.Buffer
			disk := &fullDisk{}
			if mode == "" {
				disk.room = 4 // less than the shortest output
			}
			status := run(strings.Fields(command+mode), disk, &stderr)
			told := strings.Count(stderr.String(), "longspan: writing standard output: no space left\n")
			if status != exitFailed || told != 1 {
				t.Errorf("%s%s: status %d, standard error %q; expected %d and the write error", command, mode, status, &stderr, exitFailed)
			}
			if err := os.RemoveAll("again"); err != nil { // what train made
				t.Fatal(err)
			}
		}
	}
	// An error that could not be written keeps its status, and goes to standard error.
	var stderr bytes.Buffer
	status := run([]string{"mask", "window(", "--json"}, &fullDisk{}, &stderr)
	if status != exitUsage || !strings.Contains(stderr.String(), "column 8") || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("an error whose JSON is lost: status %d, standard error %q", status, &stderr)
	}
}

// A list that ends early is a valid document with the rows before and the error.
func TestListEndsEarly(t *testing.T) {
	for _, c := range []struct {
		rows   int
		err    error
		want   string
		status int
	}{
		{2, nil, "[\n  {\n    \"row\": 0\n  },\n  {\n    \"row\": 1\n  }\n]\n", exitOK},
		{0, nil, "[\n]\n", exitOK},
		{1, errInterrupted, "[\n  {\n    \"row\": 0\n  },\n  {\n    \"error\": \"interrupted\",\n    \"exit\": 1\n  }\n]\n", exitFailed},
		{0, usage(errors.New("no")), "{\n  \"error\": \"no\",\n  \"exit\": 2\n}\n", exitUsage},
	} {
		var stdout, stderr bytes.Buffer
		o := newOutput(&stdout, &stderr, true)
		err := o.list(func(add func(any, func(io.Writer)) error) error {
			for i := range c.rows {
				if err := add(map[string]int{"row": i}, nil); err != nil {
					return err
				}
			}
			return c.err
		})
		if status := o.finish(err); status != c.status || stdout.String() != c.want || stderr.Len() > 0 {
			t.Errorf("%d rows and %v: status %d, printed %q and %q, expected %d and %q",
				c.rows, c.err, status, &stdout, &stderr, c.status, c.want)
		}
	}
}

// An interrupted table keeps the rows before the interruption.
func TestInterruptedTable(t *testing.T) {
	var stdout, stderr bytes.Buffer
	o := newOutput(&stdout, &stderr, true)
	ctx, cancel := context.WithCancel(t.Context())
	options := bench.TableOptions{Only: regexp.MustCompile("bigbird|nystrom"), Runs: 1}
	status := o.finish(o.list(func(add func(any, func(io.Writer)) error) error {
		return runTable(ctx, o, options, func(value any, text func(io.Writer)) error {
			defer cancel() // after the first row
			return add(value, text)
		})
	}))
	document, err := oneDocument(stdout.Bytes())
	list, _ := document.([]any)
	if err != nil || status != exitFailed || len(list) != 2 {
		t.Fatalf("status %d, %v, %d elements in %s", status, err, len(list), &stdout)
	}
	if last, _ := list[1].(map[string]any); last["error"] != "interrupted" {
		t.Errorf("the last element is %v, expected the error", last)
	}
}

// A folder without a model is named as one, with what it lacks.
func TestFolderWithoutModel(t *testing.T) {
	for _, command := range [][]string{{"sample"}, {"predict", "--text", "x"}} {
		var out, stderr bytes.Buffer
		args := append([]string{command[0], t.TempDir(), "--json"}, command[1:]...)
		if status := run(args, &out, &stderr); status != exitUsage || !strings.Contains(out.String(), "is no model folder") {
			t.Errorf("%s: status %d, %s%s; want %d and an error with %q", command[0], status, &out, &stderr, exitUsage, "is no model folder")
		}
	}
}
