"""Texts that are nasty to tokenizers, the same for the same seed."""

import random
import unicodedata

FRAGMENTS = [
    "Hello, world!",
    "don't",
    "I'LL we'Ve 'S 'ſ ''re",
    "it 's a test , isn ' t it ?",
    "naïve café",
    "Tiếng Việt rất đẹp",
    "Straße ẞ ß",
    "İstanbul ıI",
    "ΑΣ ΟΔΟΣ σς",
    "Привет, мир",
    "مرحبا بالعالم",
    "שָׁלוֹם",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "日本語のテキストです。",
    "中文文本,没有空格",
    "한국어 텍스트",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "ｆｕｌｌ　ｗｉｄｔｈ",
    "ﬁ ﬂ ﬃ ﬅ",
    "① ½ Ⅳ ㍿ ㎏ ™ ª º",
    "👩‍👩‍👧‍👦",
    "👍🏽",
    "🇩🇪🇫🇷🇯🇵",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "e\u0301\u0323",
    "q\u0323\u0307\u0307",
    "a\u0300\u0301\u0302\u0303",
    "\u0344\u0345",
    "\u0f71\u0f72\u0f74",
    "ṩ\u0327",
    "Å\u212b\u2126",
    "\u200b\u200c\u200d\u200e\u200f",
    "\u202a\u202eabc\u202c",
    "\ufeff",
    "\ufffd",
    "\u00ad",
    "\u2028\u2029",
    "\u0085",
    "\u00a0",
    "\u3000",
    "\u1680\u2000\u2003\u2009\u202f\u205f",
    "\x00",
    "\x01\x02\x1f",
    "\x7f\x80\x9f",
    "\t",
    "\r\n",
    "\n",
    "\r",
    "\n\n\n",
    " ",
    "  ",
    "   ",
    "     ",
    " " * 17,
    " " * 33,
    "\t\t\t",
    " \n \n ",
    "\v\f",
    "▁",
    "▁▁",
    "Ġ",
    "Ċ",
    "##",
    "##ing",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[PAD]",
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
    "<mask>",
    "<bos>",
    "<eos>",
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|begin_of_text|>",
    "<|eot_id|>",
    "<0x0A>",
    "<0xE3>",
    "<start_of_turn>",
    "</w>",
    "<think>",
    "0",
    "7",
    "42",
    "123",
    "1234567890",
    "3.14159",
    "-1e-10",
    "1,000,000",
    "٣٤٥",
    "१२३",
    "Ⅻ",
    "𝟘𝟙",
    "x²",
    "http://example.com/a?b=c&d=e#f",
    "foo@bar.baz",
    "C:\\path\\to",
    "def f(x):\n    return x+1\n",
    '{"a": [1, 2, null]}',
    "<div class='x'>",
    "!!!",
    "...",
    "?!",
    "--",
    "—–",
    "“quoted”",
    "‘’",
    "$€£¥",
    "+=*/",
    "_",
    "__init__",
    "a_b",
    "CamelCaseWord",
    "ALLCAPS",
    "iPhone",
    "ﷺ",
    "𝓗𝓮𝓵𝓵𝓸",
    "𠜎𠜱",
    "\U0001f600\U0001f64f",
    "\u0301",
    "\u20dd",
    "\ufe0f",
    "❤️",
    "1️⃣",
    "\U0010ffff",
    "\ue000",
    "\uffff",
    "\u0378",
    "\U0001e000",
    "ǅ ǈ",
    "ʰʷ",
    "ªº",
    "ⅷ",
    "ⓐ",
    "꙳",
    "ꙮ",
    "Ꭰꭰ",
    "აბ",
    "ԱԲ",
    "ཀྵ",
    "ខ្មែរ",
    "မြန်မာ",
    "ᠮᠣᠩᠭᠣᠯ",
    "𞤀𞤢",
    "ß" * 7,
    "a" * 120,
    "é" * 110,
    "x" * 99,
    "ab" * 60,
]
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz",
    "abcABC '’.,!?-_/\n\r\t ",
    "aé ñüößœ",
    " \t\n\r\u00a0\u3000\u2003",
    "0123456789.,",
    "áàảãạăắằẳẵặâấầẩẫậ",
    "e\u0301\u0300\u0302\u0323\u0327\u0308",
    "日本語中文한국어カナ",
    "अआइकखग्ािी",
    "ابتثجحخ ",
]


def code_point(rng):
    """Any code point but a surrogate, with more weight for the first planes."""
    while True:
        top = rng.choice([0x80, 0x300, 0x3000, 0x10000, 0x20000, 0x110000])
        c = rng.randrange(top)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def part(rng, specials):
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(FRAGMENTS)
    if kind < 0.5 and specials:
        return rng.choice(specials)
    if kind < 0.75:
        alphabet = rng.choice(ALPHABETS)
        return "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 12)))
    if kind < 0.85:
        return "".join(code_point(rng) for _ in range(rng.randrange(1, 6)))
    if kind < 0.92:
        return rng.choice(" \n\t\r\u00a0a1.é") * rng.randrange(1, 40)
    return unicodedata.normalize(rng.choice(["NFC", "NFD", "NFKC", "NFKD"]), rng.choice(FRAGMENTS))


def text(rng, specials=()):
    """One text: some parts with or without blanks between them."""
    between = rng.choice(["", " ", " ", "  ", "\n"])
    return between.join(part(rng, specials) for _ in range(rng.choice([1, 1, 2, 3, 5, 8, 20])))


def texts(seed, n, specials=()):
    """All fragments, and others until there are n."""
    rng = random.Random(seed)
    all = ["", *FRAGMENTS]
    return all[:n] + [text(rng, specials) for _ in range(n - len(all))]
