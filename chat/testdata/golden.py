"""Makes golden.json: what transformers 4.57.6 renders of the templates here.

gemma3, llama3, qwen2_5, qwen3 and smollm2 are the templates of the models' own files. The others are written after their published form;
language.jinja has what these leave out of the language.
"""
import datetime, glob, json, os
import transformers
from transformers.utils import chat_template_utils

assert transformers.__version__ == "4.57.6"


class Fixed(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 9, 14, 5, 6)


chat_template_utils.datetime = Fixed
here = os.path.dirname(os.path.abspath(__file__))
S, U, A = "system", "user", "assistant"
say = lambda *turns: [{"role": r, "content": c} for r, c in turns]
tool = {"type": "function", "function": {"name": "weather", "description": "Get it <now>", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
called = [{"role": U, "content": "Rain in Zürich?"},
          {"role": A, "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function",
                                                    "function": {"name": "weather", "arguments": {"city": "Zürich"}}}]},
          {"role": "tool", "content": "{\"rain\": true}", "tool_call_id": "abcdefghi", "name": "weather"}]
conversations = {
    "one": (say((U, "Hello")), True, {}),
    "system": (say((S, "Be brief."), (U, "Hi")), True, {}),
    "turns": (say((S, "You are <b>terse</b> & kind."), (U, " spaced \n"), (A, "\nYes.\n"), (U, "Ü? 日本 \"q\" 'x' \\n")), True, {}),
    "answered": (say((U, "1+1?"), (A, "2")), False, {}),
    "thought": (say((U, "1+1?"), (A, "<think>\nSum.\n</think>\n\n2"), (U, "2+2?")), True, {}),
    "unthinking": (say((U, "Hi")), True, {"enable_thinking": False}),
    "twice": (say((U, "a"), (U, "b")), True, {}),
    "tools": (called, True, {"tools": [tool]}),
    "parts": ([{"role": U, "content": [{"type": "text", "text": " part one "}, {"type": "image"}, {"type": "text", "text": "two"}]}], True, {}),
    "empty": (say((U, "")), True, {}),
}
cases = []
for path in sorted(glob.glob(here + "/templates/*.jinja")):
    source = open(path).read()
    for name, (messages, answer, more) in conversations.items():
        case = {"template": os.path.basename(path)[:-6], "name": name, "messages": messages, "answer": answer}
        if more:
            case["variables"] = more
        more = dict(more)
        try:
            out, _ = chat_template_utils.render_jinja_template(
                [messages], tools=more.pop("tools", None), chat_template=source, add_generation_prompt=answer, bos_token="<s>", eos_token="</s>", **more)
            case["text"] = out[0]
        except Exception as e:
            case["error"] = str(e)
        cases.append(case)
with open(here + "/golden.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")
print(len(cases), sum("error" in c for c in cases))
