package genome

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// dense is a reference of few letters, with repeats, and rows of a sample that often overlap.
func dense(seed uint64, bases, rows int) (text string, lines []string) {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, bases)
	for i := range b {
		b[i] = "ACac"[r.IntN(4)]
		if i >= 6 && r.IntN(3) > 0 {
			b[i] = b[i-2-r.IntN(2)]
		}
	}
	pos := 1
	for range rows {
		pos += r.IntN(5)
		if pos+5 > bases {
			break
		}
		ref := string(b[pos-1 : pos+r.IntN(4)])
		alt := strings.ToUpper(string("ACGT"[r.IntN(4)]) + strings.Repeat(string("ACGT"[r.IntN(4)]), r.IntN(3)))
		if r.IntN(2) == 0 {
			alt = strings.ToUpper(ref[:1]) + alt[1:]
		}
		info := "."
		if r.IntN(12) == 0 {
			alt, info = []string{"<DEL>", "<*>"}[r.IntN(2)], fmt.Sprintf("END=%d", min(bases, pos+r.IntN(9)))
		}
		if !strings.EqualFold(ref, alt) {
			lines = append(lines, row("20", pos, ref, alt, info, "1|0", "0|0"))
		}
	}
	return string(b), lines
}

// written is haplotype 1 as WriteHaplotype has it, in upper case, and the lines of the rows that it skips.
func written(t *testing.T, ref *fasta.Reference, lines []string) (string, map[int]bool) {
	t.Helper()
	s, err := ReadSites(ref, strings.NewReader(plain+strings.Join(lines, "")), "in.vcf", SampleOptions{Sample: "one"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	report, err := s.WriteHaplotype(&out, 1)
	if err != nil {
		t.Fatal(err)
	}
	skipped := map[int]bool{}
	for _, k := range report.Skipped {
		skipped[k.Line] = true
	}
	_, text, _ := strings.Cut(out.String(), "\n")
	return strings.ToUpper(strings.ReplaceAll(text, "\n", "")), skipped
}

const plain = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo\n"

// Every difference is that of two haplotypes which are written: that of the applied alleles, and that without one of them.
func TestDifferencesEqualWrittenHaplotypes(t *testing.T) {
	count := 0
	for seed := range uint64(3) {
		text, lines := dense(seed, 120, 60)
		ref := reference(t, ">20\n"+text+"\n")
		whole, skipped := written(t, ref, lines)
		var applied []string
		for i, l := range lines {
			if !skipped[i+3] {
				applied = append(applied, l)
			}
		}
		if same, _ := written(t, ref, applied); same != whole {
			t.Fatalf("seed %d: rows that are skipped change the haplotype", seed)
		}
		c, _ := ref.Find("20")
		all := NewBackground(ref, c, 1000)
		numbers := put(t, all, lines, skipped, nil)
		all.Reach(c.Length)
		k := 0
		for i := range lines {
			if skipped[i+3] {
				continue
			}
			without, _ := written(t, ref, append(append([]string{}, applied[:k]...), applied[k+1:]...))
			if k++; numbers[i] < 0 {
				continue
			}
			d, err := all.Difference(numbers[i], 1000)
			if err != nil {
				t.Fatal(err)
			}
			if has, had := string(d.Left)+d.Alt+string(d.Right), string(d.Left)+d.Ref+string(d.Right); has != whole || had != without {
				t.Fatalf("seed %d, %s: found\n%s, want\n%s;\n%s, want\n%s", seed, lines[i], has, whole, had, without)
			}
			if n := min(len(d.Ref), len(d.Alt)); n == 0 || n > 1 && (d.Ref[0] == d.Alt[0] || d.Ref[len(d.Ref)-1] == d.Alt[len(d.Alt)-1]) {
				t.Errorf("seed %d, %s: %s>%s can be shorter", seed, lines[i], d.Ref, d.Alt)
			}
			count++
		}
	}
	if count < 50 {
		t.Errorf("%d differences", count)
	}
}

// put puts the rows on a background, and checks which are skipped. each is called after each.
func put(t *testing.T, b *Background, lines []string, skipped map[int]bool, each func(number int)) (numbers []int) {
	t.Helper()
	r, err := vcf.NewReader(strings.NewReader(plain+strings.Join(lines, "")), "in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Each(func(rec *vcf.Record) error {
		n, why, err := b.Put(rec, rec.Alts[0])
		if (why != Used) != skipped[rec.Line] {
			t.Errorf("line %d: skipped for %q, want %v", rec.Line, why, skipped[rec.Line])
		}
		numbers = append(numbers, n)
		if each != nil {
			each(n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return numbers
}

// A difference is the same as soon as its flanks are known, and when what is far away was forgotten.
func TestDifferencesOfAStream(t *testing.T) {
	const flank = 7
	early := 0
	for seed := range uint64(6) {
		text, lines := dense(seed, 1500, 900)
		ref := reference(t, ">20\n"+text+"\n")
		_, skipped := written(t, ref, lines)
		c, _ := ref.Find("20")
		all := NewBackground(ref, c, flank)
		numbers := put(t, all, lines, skipped, nil)
		all.Reach(c.Length)
		stream := NewBackground(ref, c, flank)
		stream.keep = 600 // what is read for a move to the left, and more
		var waiting []int
		release := func() {
			for len(waiting) > 0 {
				bases, end := stream.Known(waiting[0])
				if bases < flank && !end {
					return
				}
				got, err := stream.Difference(waiting[0], flank)
				if err != nil {
					t.Fatal(err)
				}
				want, err := all.Difference(waiting[0], flank)
				if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("seed %d: found %v, want %v, %v", seed, got, want, err)
				}
				if !end {
					early++
				}
				waiting = waiting[1:]
			}
		}
		got := put(t, stream, lines, skipped, func(n int) {
			if n >= 0 {
				waiting = append(waiting, n)
			}
			if release(); len(waiting) > 0 {
				stream.Forget(waiting[0])
			} else {
				stream.Forget(stream.first + len(stream.changes))
			}
		})
		if !slices.Equal(got, numbers) {
			t.Fatalf("seed %d: changes %v, want %v", seed, got, numbers)
		}
		stream.Reach(c.Length)
		release()
		if len(waiting) > 0 || stream.first == 0 || len(stream.changes) > 400 {
			t.Errorf("seed %d: %d wait, %d are kept, %d forgotten", seed, len(waiting), len(stream.changes), stream.first)
		}
	}
	if early < 1000 {
		t.Errorf("%d differences were known early", early)
	}
}

// A background is bounded, and says where it ends.
func TestBackgroundRefuses(t *testing.T) {
	ref := reference(t, ">20\n"+strings.Repeat("A", 3000)+"\n")
	c, _ := ref.Find("20")
	b := NewBackground(ref, c, 10)
	rows := []string{row("20", 1000, "A", "AC", ".", "1|0", "0|0"), row("20", 2900, "A", "AA", ".", "1|0", "0|0")}
	numbers := put(t, b, rows, nil, nil)
	b.Reach(3000)
	b.keep = 100
	b.Forget(numbers[1])
	if _, err := b.Difference(numbers[1], 10); err == nil || !strings.Contains(err.Error(), "found a repeat of more than 1048576 bases") {
		t.Errorf("found %v", err)
	}
	b.bytes = maxChanges
	r, _ := vcf.NewReader(strings.NewReader(plain+row("20", 2950, "A", "C", ".", "1|0", "0|0")), "in.vcf")
	var rec vcf.Record
	if err := r.Next(&rec); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Put(&rec, "C"); err == nil || !strings.Contains(err.Error(), "line 3: the alleles of a haplotype") {
		t.Errorf("found %v", err)
	}
}
