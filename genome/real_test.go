package genome

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/longspan/longspan/data/fasta"
)

// realHaplotypes are the SHA-256 of what bcftools 1.16 writes for five people, and the positions that it skips as overlapping:
//
//	samtools faidx 20.fa 20:900001-4100000 | bcftools consensus -H 1 -s HG00096 reference.vcf.gz | sha256sum
var realHaplotypes = []struct {
	file, sample string
	sums         [2]string
	overlaps     [2][]int
}{
	{"reference.vcf.gz", "HG00096", [2]string{"5b375e73ac867cbade3f96736bb1a0a434f11238e983df59a75adc6a8ca80baf",
		"f3d572896539312ab2ba7ae5f9b555aa295efb006aa359e09d0ca45d5810b40b"}, [2][]int{{3201364}, {1903668, 2633404, 3313542}}},
	{"reference.vcf.gz", "HG00171", [2]string{"69e148adcdd142c466ec4e3a21ee8006b10ac6e9d40539c89a1c2500c0817b2d",
		"b0b15ea1d68741c9ce9e866f5fc178015ba30843d64eb844748a8ca8c9013450"}, [2][]int{{3217989}, {1903668}}},
	{"reference.vcf.gz", "HG01500", [2]string{"009df8268f492dce736aaec3f804adda59b1dfe48bc0e9f6514c9695f342d412",
		"229a7c155dd33a4ba8ec4318b4b8715a68c68a84826367095fda2584870f9ec3"}, [2][]int{{1903668}, {2633404, 3938118}}},
	{"unphased.vcf.gz", "NA12878", [2]string{"52622e460be2ed733d58036f3a0ce7642efbf03a5a4ad55a48add4a783dbad64",
		"26ef529d3cc3241b013939fb3e4cfcca43cb4171575be075ebe9bb5e9045150d"}, [2][]int{}},
	{"unphased.vcf.gz", "NA20502", [2]string{"102700a9bfa4c2816a6360da09ad995fe603ebbf6b1f01c45660625842ab48cb",
		"1508cccb97133fa7b3b95d5c515354ec19dcce104bc700c935cada41a7d1959c"}, [2][]int{{3938118}, {3938118}}},
}

// realReference opens chromosome 20 in the folder that LONGSPAN_DNA names, or skips the test.
func realReference(t *testing.T) (dir string, ref *fasta.Reference) {
	t.Helper()
	dir = os.Getenv("LONGSPAN_DNA")
	if dir == "" {
		t.Skip("LONGSPAN_DNA names no folder with chromosome 20; make dna fetches it and runs this test")
	}
	ref, err := fasta.Open(filepath.Join(dir, "20.fa.gz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ref.Close() })
	return dir, ref
}

func TestRealHaplotypesEqualBcftools(t *testing.T) {
	dir, ref := realReference(t)
	region, err := ParseRegion(ref, "chr20:900001-4100000")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range realHaplotypes {
		in, err := os.Open(filepath.Join(dir, c.file))
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		s, err := ReadSites(ref, in, c.file, SampleOptions{Sample: c.sample, Region: &region})
		if err != nil {
			t.Fatal(err)
		}
		for h := 1; h <= 2; h++ {
			sum := sha256.New()
			report, err := s.WriteHaplotype(sum, h)
			if err != nil {
				t.Fatal(err)
			}
			var overlaps []int
			for _, k := range report.Skipped {
				overlaps = append(overlaps, k.Pos)
			}
			if !slices.Equal(overlaps, c.overlaps[h-1]) {
				t.Errorf("%s, haplotype %d: skipped %v, want the overlaps at %v", c.sample, h, report.Skipped, c.overlaps[h-1])
			}
			if got := hex.EncodeToString(sum.Sum(nil)); got != c.sums[h-1] {
				t.Errorf("%s, haplotype %d: SHA-256 %s, want %s", c.sample, h, got, c.sums[h-1])
			}
		}
	}
}

// All 24,990 rows of each file fit the reference, and are normal.
func TestRealSurvey(t *testing.T) {
	dir, ref := realReference(t)
	for _, name := range []string{"reference.vcf.gz", "unphased.vcf.gz"} {
		in, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		s, err := NewSurvey(ref, in, name, "")
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(s.Build, s.Rows, s.Usable, s.Ref.Rows, s.Ref.Mismatches, s.NotNormal, s.Kinds)
		if want := "GRCh37 (hg19)24990 24990 24990 0 0 map[deletion:810 insertion:510 snv:23670]"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
