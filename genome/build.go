package genome

import (
	"strconv"

	"github.com/longspan/longspan/data/fasta"
)

// builds have the lengths of chromosomes 1 to 22, X and Y of human assemblies, in bases (their assembly reports at NCBI).
var builds = []struct {
	name    string
	lengths [24]int
}{
	{"NCBI36 (hg18)", [24]int{247249719, 242951149, 199501827, 191273063, 180857866, 170899992, 158821424, 146274826, 140273252, 135374737,
		134452384, 132349534, 114142980, 106368585, 100338915, 88827254, 78774742, 76117153, 63811651, 62435964, 46944323, 49691432,
		154913754, 57772954}},
	{"GRCh37 (hg19)", [24]int{249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
		135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520, 48129895, 51304566,
		155270560, 59373566}},
	{"GRCh38 (hg38)", [24]int{248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
		135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167, 46709983, 50818468,
		156040895, 57227415}},
	{"T2T-CHM13v2.0 (hs1)", [24]int{248387328, 242696752, 201105948, 193574945, 182045439, 172126628, 160567428, 146259331, 150617247,
		134758134, 135127769, 133324548, 113566686, 101161492, 99753195, 96330374, 84276897, 80542538, 61707364, 66210255, 45090682,
		51324926, 154259566, 62460029}},
}

// Build is the human assembly whose chromosome has this length, or "" if none has.
func Build(contig string, length int) string {
	name := fasta.Canonical(contig)
	n, err := strconv.Atoi(name)
	switch {
	case name == "X":
		n = 23
	case name == "Y":
		n = 24
	case err != nil || n < 1 || n > 22:
		return ""
	}
	for _, b := range builds {
		if b.lengths[n-1] == length {
			return b.name
		}
	}
	return ""
}

// BuildOf is the human assembly that a reference looks like, by the first of its contigs whose length tells.
func BuildOf(ref *fasta.Reference) string {
	for _, c := range ref.Contigs() {
		if b := Build(c.Name, c.Length); b != "" {
			return b
		}
	}
	return ""
}
