"""How secrets look, and what they stand under: the signs, forms and names that `redaction` looks for. (Python 3.8: the
in-job client uses it.)

Each form is bounded, so that no line, however odd, takes long.
"""

from __future__ import annotations

import re

#: Values that are secrets by their form alone, by a sign (in lower case) without which there is none: most lines of a
#: log have no sign, and no pattern is tried on them. A named group is what stands before a value and stays. Each is
#: bounded, so that no line, however odd, takes long. These stand where a word begins ...
WORDS = {
    "akia": r"AKIA[0-9A-Z]{16}",
    "asia": r"ASIA[0-9A-Z]{16}",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,}"),
    "github_pat_": r"github_pat_[A-Za-z0-9_]{40,}",
    "glpat-": r"glpat-[A-Za-z0-9_-]{20,}",
    **dict.fromkeys(("glrt-", "glptt-"), r"gl(?:rt|ptt)-[A-Za-z0-9_-]{20,}"),
    "xox": r"xox[abprs]-[A-Za-z0-9-]{10,}",
    "xapp-": r"xapp-\d-[A-Za-z0-9-]{20,}",
    "hvs.": r"hvs\.[A-Za-z0-9_-]{24,}",
    "atatt3": r"ATATT3[A-Za-z0-9_=-]{40,}",
    "lsv2_": r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{32,}",
    "xai-": r"xai-[A-Za-z0-9]{40,}",
    "pplx-": r"pplx-[A-Za-z0-9]{40,}",
    "pcsk_": r"pcsk_[A-Za-z0-9_]{40,}",
    "gocspx-": r"GOCSPX-[A-Za-z0-9_-]{20,}",
    "age-secret-key-": r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
    "hf_": r"hf_[A-Za-z0-9]{30,}",
    "npm_": r"npm_[A-Za-z0-9]{36}",
    "pypi-": r"pypi-[A-Za-z0-9_-]{50,}",
    "sk-": r"sk-(?:(?:proj|ant|or|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})",
    "aiza": r"AIza[A-Za-z0-9_-]{35}",
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_"), r"[sr]k_(?:live|test)_[A-Za-z0-9]{20,}"),
    "dckr_pat_": r"dckr_pat_[A-Za-z0-9_-]{20,}",
    "nvapi-": r"nvapi-[A-Za-z0-9_-]{40,}",
    "wandb_v1_": r"wandb_v1_[A-Za-z0-9_-]{40,}",
    "gsk_": r"gsk_[A-Za-z0-9]{40,}",
    "r8_": r"r8_[A-Za-z0-9]{37,}",
    "dapi": r"dapi[0-9a-f]{32}",
    "ya29.": r"ya29\.[A-Za-z0-9_-]{20,}",
    "sg.": r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}",
    "eyj": r"eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,}",
    "bearer ": r"(?P<scheme>[Bb]earer )(?=[A-Za-z._~+/=-]{0,200}\d)[A-Za-z0-9._~+/=-]{20,}",
}
#: ... and these anywhere.
FORMS = {
    "private key": (
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    ),
    "accountkey=": r"(?P<key>AccountKey=)[A-Za-z0-9+/]{40,}={0,2}",
    "sig=": r"(?P<sig>[?&]sig=)[A-Za-z0-9%+/_-]{30,}",
    # Of presigned URLs: of S3 and CloudFront, of Google's storage.
    "signature=": r"(?P<signature>[?&](?:[A-Za-z]{1,10}-){0,3}Signature=)[A-Za-z0-9%+/_~.-]{16,}={0,2}",
    "security-token=": r"(?P<security>[?&][A-Za-z-]{0,20}Security-Token=)[A-Za-z0-9%+/_~.-]{16,}={0,2}",
    "hooks.slack.com/": r"(?P<hook>hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/]{20,}",
    "/api/webhooks/": r"(?P<webhook>/api/webhooks/\d{1,30}/)[A-Za-z0-9_-]{20,}",
    "telegram.org/bot": r"(?P<bot>telegram\.org/bot)\d{1,20}:[A-Za-z0-9_-]{20,}",
    # In the same command; not `docker run -u 1000:1000` behind it, and no variable.
    "curl": (
        r"(?P<curl>\bcurl\b(?:[^\n|&\\]|&(?![&\s])|\\.){0,200}?[\s\"'](?:-[A-Za-z]{0,8}[uU]|--(?:proxy-)?user)"
        r"[\s=\"',]{0,4}[^\s:\"'$-][^\s:\"']{0,99}:)(?!\$|\d{1,5}\b)[^\s\"']{3,200}"
    ),
    # What other commands take as an argument; no ports (`docker run --name mysql -p 3306:3306`), no variables.
    "login": (
        r"(?P<login>\b(?:docker|podman|nerdctl|helm registry|az|oc)[\s\"',]{1,4}login\b[^\n|&;]{0,200}?"
        r"[\s\"']-p(?!assword)[\s=\"',]{0,4})(?!\$|\d{1,5}\b)[^\s\"']{3,200}"
        r"|(?P<key_of_login>\bwandb[\s\"',]{1,4}login[\s\"',]{1,4}(?:--[^\s\"',]{1,100}[\s\"',]{1,4}){0,4})"
        r"[A-Za-z0-9_-]{40,}"
        r"|(?P<netrc>\bmachine\s{1,9}\S{1,200}\s{1,9}login\s{1,9}\S{1,200}\s{1,9}password\s{1,9})\S{3,200}"
    ),
    "sshpass": r"(?P<sshpass>\bsshpass[\s\"',]{1,4}-p[\s\"',]{0,4})(?!\$)[^\s\"']{3,200}",
    "mysql": (
        r"(?P<mysql>\bmysql(?:dump|admin)?\b[^\n|&;]{0,200}?[\s\"']-p[\"']?)"
        r"(?!\$|\d{1,5}\b|artition|ath|lugin|ort)[^\s\"']{3,200}"
    ),
    "cookie": (
        r"(?P<cookie>\b(?:[Ss]et-)?[Cc]ookie[\"']{0,2}:\s{0,3}[\"']{0,2})(?=[^=\s]{1,80}=[^\s;]{8})[^\n\"']{8,4000}"
    ),
    "://": (
        r"(?P<user>://[^/\s:@]{0,200}:)(?:[^/\s\"'<>]{3,200}(?=@)"
        # With a slash, which is no part of a port, and with a digit; what follows looks like a host.
        r"|(?!\d{1,5}/)(?=[^\s\"'<>@]{0,200}\d)[^/\s\"'<>@][^\s\"'<>@]{2,200}"
        r"(?=@(?:localhost\b|[A-Za-z0-9-]{1,63}\.[A-Za-z])))"
        r"|(?P<bare>https?://)(?=[^/\s:@]{0,200}\d)[A-Za-z0-9._~-]{20,200}(?=@)"
    ),
}
SIGNS = (*WORDS, *FORMS)
#: What a letter or digit before a word may be the end of: an escape of `repr` and JSON, or of a URL.
ESCAPE = r"(?:\\(?:[abfnrtv0]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2})\Z"
LONGEST_ESCAPE = 6
#: What steers a terminal, say colours, as it is and as `repr` and JSON have it; what is shown is what stands around it.
STEERING = (
    r"(?:\x1b\[|\x9b)[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|\x1b[ -/]{0,4}[0-~]"
    r"|\\(?:x1b|u001[bB]|033|e)\[[0-9;]{0,12}[A-Za-z]"
)
#: What a link or a title of a terminal holds.
HELD = r"\x1b\]([^\x07\x1b]{0,400})"
STEERS = ("\\x1b", "\\u001", "\\033", "\\e[")
#: How a name ends (in lower case) under which any text is a secret, and behind what such an end makes one: `pad_token`
#: and `sort_key` are none. Between the two may be `_`, `-` or a blank. Stricter than for variables.
_KINDS_OF_KEY = (
    *"api access account private secret encryption signing subscription master".split(),
    *"app application azure_storage jwt hmac fernet".split(),
    # Services, as far as they give keys: `hf_key` is a name in a model.
    *"anthropic azure cohere comet datadog deepseek gemini groq kaggle mistral openai openrouter pinecone".split(),
    *"runpod tavily wandb".split(),
)
_KINDS_OF_TOKEN = (
    *"api auth access bearer refresh session sas secret security bot service tracking".split(),
    *"comet databricks discord github gitlab hf hub huggingface jira neptune npm pypi slack".split(),
    *"telegram vault wandb".split(),
)
NAME_ENDS = {
    "key": _KINDS_OF_KEY,
    "token": _KINDS_OF_TOKEN,
    "key_base": ("secret",),
    "pat": tuple("github gh gitlab azure ado devops devops_ext databricks".split()),
    "secret": ("client", "app", "shared", "webhook", "accesskey"),
    "authorization": (),
    "password": ("",),
    "passwd": ("",),
    "passphrase": ("",),
    "pass": tuple("db database pg postgres mysql redis smtp ssh mail ftp user root admin proxy".split()),
    "pwd": (),
}
#: A name, as far as it is looked at.
NAMED = r"[a-z][a-z_]*\Z"
#: How names end under which only what looks made by a machine is a secret: other tokens are words of a model's.
UNSURE_NAMES = re.compile(r"(?:^|[_.-])(?:token|pwd|sas|auth)$")
#: What looks so: one word, not a short one, of letters and several digits.
MADE = r"(?=\S{0,200}[A-Za-z])(?=(?:\S{0,80}?\d){3})[A-Za-z0-9+=:-]{16,}"
LONGEST_KIND = 16
#: Ends of such names by which no value is looked for in a text: a path to a file is as likely.
OTHER_ENDS = re.compile(r"(?:(?:^|[_.-])credentials?|connection_?string)$")
#: What may stand between a name and its sign: a type (`api_key: str = "..."`), or that its value comes, as containers
#: are given their environment (`{"name": "API_KEY", "value": "..."}`).
TYPED = (
    r"(?::\s{0,3}(?:[A-Za-z.]{1,20}\[)?(?:str|bytes|string|SecretStr)\]?(?:\s?\|\s?None)?\s{0,3}(?==)"
    r"|[,;]?\s{0,20}[\\\"']{0,2}[vV]alue[\\\"']{0,2}\s{0,3}(?=[:=]))?"
)
#: An end where it may lead to a value; what leads from it to the value, and this.
END = "(?:" + "|".join(NAME_ENDS) + r")(?=[\\\"'\]\s,:=│┃|])"
GIVEN = (
    r"(?:[\\\"'\]]{0,3}\s{0,40}"
    + TYPED
    + r"(?P<sign>[:=]{1,2})>?(?:\s{0,3}|[ \t]{0,40})(?:[bru](?=[\"']))?[\\\"']{0,2}"
    r"|[\"']?\s{0,60}(?P<cell>[│┃|])\s{0,60}[\"']?|(?P<apart>[\s,\"']{1,4}))"
    r"(?P<scheme>(?i:bearer|basic|token|digest|apikey)\s{1,3})?"
    # Quoted it may be a phrase of several words, with the other quote in it, and its own behind a backslash.
    r"(?P<value>(?<=\\[\"'])[^\"'\n]{8,200}(?=[\"'])"
    r"|(?<=[^\\]\")(?:\\.|[^\"\\\n]){8,200}(?=\")|(?<=[^\\]')(?:\\.|[^'\\\n]){8,200}(?=')|[^\s\"',;]{8,200})"
)
#: What is left of a value: how it begins says enough, and to look at all of each would take long.
REST = r"[^\s\"',;]*"
#: What a name stands in where it is the first of a pair, and what follows on the second; that of a call is the name of
#: something that is asked for.
PAIR = r"(?:.*(?:[^\w]|\b(?:setdefault|putenv|setenv|setitem)))?\([bru]?[\"'][\w-]*"
PAIRED = r"[\"']\s{0,3}\)"
#: What the first cell of a table's row looks like, where the row is not drawn by lines that nothing else is.
CELL = r"(?:.*\|)\s{0,30}[\w .-]*"
#: What a name stands in where shells and Dockerfiles set it without a sign.
SETTING = r"(?:.*\s)?(?:setenv|env|set -g?x|conf(?:ig|igure)? set)\s{1,3}[\w.]*"
#: What a name stands in where it is an option of a command; it is looked for so far before the name's end.
OPTION = r"(?:.*[\s\"'])?--[\w-]*"
LONGEST_OPTION = 48
#: What stands where a secret would: a number, a variable's name, an expression or a call; a placeholder or option.
STAND_IN = (
    r"[\d.eE+-]*|\$(?:[A-Z_][A-Z0-9_]*|[{(].*)"
    # Code that asks for it: `os.getenv("KEY")`, `os.environ["KEY"]`, `get_token()`.
    r"|[A-Za-z_]\w{0,40}(?:\.\w{1,40}){1,5}[(\[].*|[A-Za-z_]\w{0,40}(?:\(\)?|\[)"
    r"|(?:Optional|Union|Annotated|Literal)\[.*|SecretStr"
    # What others put there in its place: `(sensitive value)`, `<PUSH_TO_HUB_TOKEN>`.
    r"|\((?i:sensitive|hidden|known|none|not|null|unset)\b.*|<[\w -]{1,60}>[)\]}]*|[*•]{3,}|\[[a-z]{1,20}\]"
)
_PATH = r"(?:~|\.|/(?:home|etc|root|Users|mnt|opt|var|run|tmp|usr|data))/.*"
#: What else stands there where it stands in no quotes: code, a type, a path, a time, how far a bar has come.
CODE = (
    # Calls and what is in brackets, as far as they are in the value; `Summer(2024)!` is none.
    r"(?:[A-Za-z_.]{2,60}\((?:[a-z_.\[(\"'][\w.=:\[(\"']{0,60})?|(?i:var)?(?i:char)\(\d+|[A-Za-z_]{1,60}\[[\w.:\"'-]{0,40}"
    r"|\{[\w.]{1,60}|(?:bfloat|float|int|uint)\d{1,2}(?:\[\d{0,9})?)[)\]},:;]*"
    r"|(?:self|cls|args|opts?|options|config|cfg|conf|settings|secrets|env|params|hparams|kwargs|torch)\.[A-Za-z_][\w.]*\W*"
    r"|\d{1,3}%\|.*|\d[\d.]*(?:e[+-]?\d+)?(?:[mnuµ]?s)(?:/\w+)?"
    r"|" + _PATH
)
PLACEHOLDER = r"[<\[{-].*|[A-Z_]+\]?"
#: No secret under any name: nothing, a number, a word that stands for nothing.
PLAIN = re.compile(
    r"[\d.eE+-]*|(?i:none|null|true|false|yes|no|on|off)|<[\w|/ -]{1,60}>|\[[A-Z_]{1,20}\]"
    r"|" + _PATH
)
