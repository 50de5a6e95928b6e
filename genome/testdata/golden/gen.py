"""Makes the golden files of package genome with bcftools and bgzip 1.16 (Debian: bcftools, tabix). Run it in this folder: python3 gen.py

consensus.N.fa, .vcf   a reference of two contigs, and rows of one sample: overlaps, adjacent alleles, duplicates, missing alleles
consensus.N.H.out      bcftools consensus -H H; consensus.N.H.skip has the positions that it skips as overlapping
norm.fa, norm.vcf      a reference of repeats, and rows that are not normal, numbered in ID
norm.out, split.out    bcftools norm, and bcftools norm -m-
atoms.out              bcftools norm -a of the MNVs
"""
import random
import re
import subprocess

HEAD = ('##fileformat=VCFv4.2\n##ALT=<ID=DEL,Description="Deletion">\n##INFO=<ID=END,Number=1,Type=Integer,Description="End">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n')
NAMES = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def run(command):
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True)


def fasta(name, contigs, width):
    with open(name, "w") as f:
        for c, s in contigs:
            f.write(f">{c} of a test\n")
            f.writelines(s[i : i + width] + "\n" for i in range(0, len(s), width))


def allele(r, ref):
    bases = lambda n: "".join(r.choice("ACGT") for _ in range(n))
    k = r.random()
    if k < 0.4:
        return bases(len(ref))
    if k < 0.6:
        return ref[0]
    if k < 0.8:
        return ref[0] + bases(r.randint(1, 4)) + ref[1:]
    return bases(r.randint(1, 5))


def consensus(number, lengths, steps, lower):
    r = random.Random(number)
    contigs = [(f"c{i}", "".join(r.choice("ACGT") for _ in range(n))) for i, n in enumerate(lengths)]
    rows = []
    for c, s in contigs:
        pos = 1
        while (pos := pos + r.choice(steps)) <= len(s):
            ref = s[pos - 1 : pos - 1 + r.choice([1, 1, 1, 2, 3, 5])]
            alts, info = [allele(r, ref) for _ in range(r.choice([1, 1, 1, 2]))], "."
            if len(ref) == 1 and r.random() < 0.1 and pos + 2 < len(s):
                alts, info = ["<DEL>"], f"END={pos + r.randint(1, 2)}"
            gt = r.choice(["0|1", "1|0", "1|1", "0/1", ".|1", "./.", "1", "0|0", f"0|{len(alts)}", f"{len(alts)}|1"])
            rows.append(f"{c}\t{pos}\t.\t{ref}\t{','.join(alts)}\t.\t.\t{info}\tGT\t{gt}\n")
    if lower:  # soft mask: runs of 17 letters
        contigs = [(c, "".join(x.lower() if i // 17 % 2 else x for i, x in enumerate(s))) for c, s in contigs]
    name = f"consensus.{number}"
    fasta(f"{name}.fa", contigs, 50)
    with open(f"{name}.vcf", "w") as f:
        f.write(HEAD + "".join(f"##contig=<ID={c}>\n" for c, _ in contigs) + NAMES + "\tFORMAT\tS\n" + "".join(rows))
    run(f"bgzip -f -k {name}.vcf && bcftools index -f {name}.vcf.gz")
    for h in (1, 2):
        out = run(f"bcftools consensus -f {name}.fa -H {h} -s S {name}.vcf.gz -o {name}.{h}.out")
        skipped = re.findall(r"site (\S+) overlaps", out.stderr)
        with open(f"{name}.{h}.skip", "w") as f:
            f.writelines(s + "\n" for s in skipped)
    if number == 1:  # a region: the header and the ends differ
        out = run(f"samtools faidx {name}.fa c0:101-260 | bcftools consensus -H 1 -s S {name}.vcf.gz -o {name}.region.out")
    run(f"rm {name}.vcf.gz* {name}.fa.fai -f")


def norm():
    r = random.Random(7)
    s = ""
    while len(s) < 1500:
        unit = "".join(r.choice("ACGT") for _ in range(r.choice([1, 1, 2, 3, 7])))
        s += unit * r.randint(1, 12)
    s = "CACACACA" + s + "N" * 10 + "TTTT"
    contigs = [("a", s), ("b", "A" * 400)]
    fasta("norm.fa", contigs, 60)
    rows = []
    for c, s in contigs:
        for _ in range(170 if c == "a" else 10):
            pos = r.randint(1, len(s) - 12)
            ref = s[pos - 1 : pos - 1 + r.choice([1, 2, 3, 5, 9])]
            alts = {allele(r, ref) if r.random() < 0.5 else r.choice([ref + ref[-1:], ref[:-1] or ref + "A", ref[1:] or ref * 2, ref * 2])
                    for _ in range(r.choice([1, 1, 1, 2, 3]))} - {ref}
            if alts:
                rows.append((c, pos, ref, ",".join(sorted(alts))))
    rows.append(("a", 20, s and contigs[0][1][19], "<DEL>"))
    rows.append(("a", 20, contigs[0][1][19], "*"))
    rows.sort()
    with open("norm.vcf", "w") as f:
        f.write(HEAD + "".join(f"##contig=<ID={c}>\n" for c, _ in contigs) + NAMES + "\n")
        f.writelines(f"{c}\t{p}\t{i}\t{ref}\t{alts}\t.\t.\t.\n" for i, (c, p, ref, alts) in enumerate(rows))
    columns = "| grep -v '^#' | cut -f1-5"
    run(f"bcftools norm -f norm.fa norm.vcf 2>/dev/null {columns} > norm.out")
    run(f"bcftools norm -m- norm.vcf 2>/dev/null | bcftools norm -f norm.fa 2>/dev/null {columns} > split.out")
    run(f"bcftools norm -m- norm.vcf 2>/dev/null | bcftools view -i 'TYPE=\"mnp\"' | bcftools norm -a 2>/dev/null {columns} > atoms.out")
    run("rm -f norm.fa.fai")


consensus(1, [400, 60], [1, 2, 3, 5, 9, 14], False)
consensus(2, [120, 400], [0, 0, 1, 2, 4], False)
consensus(3, [333, 90], [4, 9, 14], True)
norm()
