#!/usr/bin/python3
"""Validates reports: rep_validate.py FORMAT FILE. Exit status 1 and a sentence for each mistake.

json    against docs/report.schema.json, and that every reference between its parts is there
sarif   against the official schema in testsuite/schemas, and what GitHub code scanning requires beyond it
junit   what CI servers read: counts that agree, one element a case (xmllint has Jenkins' schema for the rest)
github  the syntax and the limits of workflow commands
trace   every finding of text, SARIF, JUnit, GitHub and HTML is one of the JSON, and none is missing (FILE without its .json)
trace   every finding of text, SARIF, JUnit, GitHub and HTML is one of the JSON, and none is missing (FILE without its .json)
html    nothing is fetched, the content policy's hashes are those of the style and the script, tags are balanced
"""
import base64, hashlib, html.parser, json, os, re, sys
import xml.etree.ElementTree as ElementTree

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
mistakes = []


def need(condition, sentence):
    if not condition:
        mistakes.append(sentence)
    return condition


def check_json(text):
    import jsonschema
    report = json.loads(text)
    with open(os.path.join(root, "docs", "report.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(report):
        mistakes.append("%s: %s" % ("/".join(map(str, error.absolute_path)), error.message[:200]))
    for i, f in enumerate(report["findings"]):
        need(f["run"] < len(report["runs"]), "finding %d: run %d is not there" % (i, f["run"]))
        threads, objects = {t["id"] for t in f["threads"]}, {o["id"] for o in f["objects"]}
        for s in f["steps"]:
            need("thread" not in s or s["thread"] in threads, "finding %d: a step of a thread that is not listed" % i)
            need(s["object"] is None or s["object"] in objects, "finding %d: a step on an object that is not listed" % i)
            need(all(h in objects for h in s["held"]), "finding %d: a held object that is not listed" % i)
    # Unknown fields would be a change of the interface that the schema does not know.
    known = set()

    def names(part):
        if isinstance(part, dict):
            for key, value in part.items():
                if key == "properties":
                    known.update(value)
                names(value)
        elif isinstance(part, list):
            for value in part:
                names(value)

    def fields(part, path):
        if isinstance(part, dict):
            for key, value in part.items():
                if path != "losses":
                    need(key in known, "field %s is not in the schema" % key)
                fields(value, key)
        elif isinstance(part, list):
            for value in part:
                fields(value, path)

    names(schema)
    fields(report, "")


# Property names that the specification's schema allows (it forbids all others but in property bags), for what is written here.
SARIF = {
    "log": {"$schema", "version", "runs", "properties"},
    "run": {"tool", "invocations", "originalUriBaseIds", "columnKind", "results", "properties", "automationDetails"},
    "driver": {"name", "semanticVersion", "version", "rules", "informationUri", "properties"},
    "rule": {"id", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties", "helpUri", "name"},
    "result": {"ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations", "codeFlows", "partialFingerprints", "occurrenceCount",
               "baselineState", "suppressions", "properties", "fingerprints", "kind"},
    "location": {"id", "physicalLocation", "logicalLocations", "message", "properties"},
    "physical": {"artifactLocation", "region", "contextRegion"},
    "artifact": {"uri", "uriBaseId", "index", "description"},
    "region": {"startLine", "startColumn", "endLine", "endColumn", "snippet"},
    "logical": {"fullyQualifiedName", "kind", "name"},
    "threadFlowLocation": {"location", "stack", "kinds", "nestingLevel", "executionOrder", "importance"},
    "frame": {"location", "module", "threadId", "parameters"},
    "invocation": {"executionSuccessful", "workingDirectory", "toolExecutionNotifications", "exitCode"},
    "suppression": {"kind", "justification", "status", "location"},
}


def only(part, kind, where):
    need(isinstance(part, dict) and set(part) <= SARIF[kind], "%s: %s" % (where, sorted(set(part) - SARIF[kind]) if isinstance(part, dict) else "no object"))


def sarif_text(message, where, limit=None):
    text = message.get("text") if isinstance(message, dict) else None
    if need(isinstance(text, str) and text, where + ": no text"):
        need(limit is None or len(text) <= limit, where + ": too long")
        need(not re.search(r"\]\(|\{[0-9]", text), where + ": a link or a placeholder in a text: " + text[:80])


def sarif_physical(part, where):
    only(part, "physical", where)
    artifact, region = part.get("artifactLocation", {}), part.get("region", {})
    only(artifact, "artifact", where)
    only(region, "region", where)
    need(re.fullmatch(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", artifact.get("uri", "")), where + ": uri " + repr(artifact.get("uri")))
    need(re.fullmatch(r"(%[0-9A-Fa-f]{2}|[^%])*", artifact.get("uri", "")), where + ": broken percent-encoding")
    need("uriBaseId" not in artifact or not artifact["uri"].startswith(("/", "file:")), where + ": an absolute uri with a base")
    for key in ("startLine", "startColumn", "endLine", "endColumn"):
        need(isinstance(region.get(key), int) and region[key] >= 1, where + ": no " + key)
    need((region.get("startLine", 0), region.get("startColumn", 0)) <= (region.get("endLine", 0), region.get("endColumn", 0)), where + ": region ends before it starts")


def sarif_location(part, where, message=False):
    only(part, "location", where)
    if "physicalLocation" in part:
        sarif_physical(part["physicalLocation"], where)
    for logical in part.get("logicalLocations", []):
        only(logical, "logical", where)
    if message:
        sarif_text(part.get("message"), where)


def sarif_result(result, rules, where):
    only(result, "result", where)
    need(result.get("ruleId") in rules, where + ": unknown rule")
    need("ruleIndex" not in result or rules[result["ruleIndex"]] == result["ruleId"], where + ": wrong ruleIndex")
    need(result.get("level") in ("none", "note", "warning", "error"), where + ": level")
    sarif_text(result.get("message"), where)
    need(len(result.get("locations", [])) == 1, where + ": not one location")
    for location in result.get("locations", []):
        need("physicalLocation" in location, where + ": no physical location")
        sarif_location(location, where)
    need(re.fullmatch(r"[0-9a-f]{32}", result.get("partialFingerprints", {}).get("primaryLocationLineHash", "")), where + ": primaryLocationLineHash")
    related = result.get("relatedLocations", [])
    need(len(related) <= 1000 and len({r["id"] for r in related}) == len(related), where + ": related locations")
    for location in related:
        sarif_location(location, where, True)
    total = 0
    for flow in result.get("codeFlows", []):
        need(flow["threadFlows"], where + ": a code flow without threads")
        for thread in flow["threadFlows"]:
            need(thread["locations"], where + ": a thread flow without locations")
            total += len(thread["locations"])
            for location in thread["locations"]:
                only(location, "threadFlowLocation", where)
                sarif_location(location["location"], where, True)
                for frame in location.get("stack", {}).get("frames", []):
                    only(frame, "frame", where)
                    sarif_location(frame["location"], where, True)
    need(total <= 10000, where + ": too many locations")
    need(result.get("baselineState", "new") in ("new", "unchanged", "updated", "absent"), where + ": baselineState")
    for suppression in result.get("suppressions", []):
        only(suppression, "suppression", where)
        need(suppression.get("kind") in ("inSource", "external"), where + ": suppression")


def check_sarif(text):
    import jsonschema
    log = json.loads(text)
    with open(os.path.join(root, "testsuite", "schemas", "sarif-2.1.0.json"), encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.validators.validator_for(schema)
    for error in validator(schema, format_checker=jsonschema.FormatChecker()).iter_errors(log):
        mistakes.append("%s: %s" % ("/".join(map(str, error.absolute_path)), error.message[:200]))
    only(log, "log", "log")
    need(log.get("version") == "2.1.0" and "sarif" in log.get("$schema", ""), "version or $schema")
    need(1 <= len(log.get("runs", [])) <= 20, "number of runs")
    for run in log["runs"]:
        only(run, "run", "run")
        driver = run["tool"]["driver"]
        only(driver, "driver", "driver")
        need(driver.get("name"), "driver without a name")
        need(re.fullmatch(r"\d+\.\d+\.\d+([-+].*)?", driver.get("semanticVersion", "")), "semanticVersion")
        rules = [rule["id"] for rule in driver["rules"]]
        need(len(set(rules)) == len(rules) <= 25000, "rules")
        for rule in driver["rules"]:
            only(rule, "rule", rule["id"])
            for key in ("shortDescription", "fullDescription", "help"):
                sarif_text(rule.get(key), rule["id"], 1024)
            properties = rule.get("properties", {})
            need(properties.get("precision") in ("very-high", "high", "medium", "low"), rule["id"] + ": precision")
            need(properties.get("problem.severity") in ("error", "warning", "recommendation"), rule["id"] + ": problem.severity")
            need(len(properties.get("tags", [])) <= 10, rule["id"] + ": tags")
        for invocation in run.get("invocations", []):
            only(invocation, "invocation", "invocation")
            need(isinstance(invocation.get("executionSuccessful"), bool), "executionSuccessful")
            for notification in invocation.get("toolExecutionNotifications", []):
                sarif_text(notification.get("message"), "notification")
        need(run.get("columnKind") in ("utf16CodeUnits", "unicodeCodePoints"), "columnKind")
        need(len(run["results"]) <= 25000, "too many results")
        for i, result in enumerate(run["results"]):
            sarif_result(result, rules, "result %d" % i)
    need("\x00" not in text, "NUL")


def check_junit(text):
    top = ElementTree.fromstring(text)
    need(top.tag == "testsuites", "no testsuites")
    for suite in top:
        need(suite.tag == "testsuite" and suite.get("name"), "no testsuite")
        cases = suite.findall("testcase")
        need(len(cases) == int(suite.get("tests")), "tests")
        need(sum(c.find("failure") is not None for c in cases) == int(suite.get("failures")), "failures")
        need(sum(c.find("skipped") is not None for c in cases) == int(suite.get("skipped")), "skipped")
        need(suite.get("errors") == "0", "errors")
        for case in cases:
            need(case.get("name") and case.get("classname"), "a case without a name")
            need(len(case) <= 1, "a case with several outcomes")
            need(set(case.attrib) <= {"name", "classname", "time"}, "attributes")
            for outcome in case:
                need(outcome.tag in ("failure", "skipped", "system-out"), outcome.tag)
                need(outcome.tag != "failure" or (outcome.get("type") and outcome.get("message")), "a failure without type or message")
        identities = [(c.get("classname"), c.get("name")) for c in cases]
        need(len(set(identities)) == len(identities), "two cases of one name")


def check_github(text):
    counts = {"error": 0, "warning": 0, "notice": 0}
    for line in text.splitlines():
        found = re.fullmatch(r"::(error|warning|notice)( [a-zA-Z]+=[^:,]*(,[a-zA-Z]+=[^:,]*)*)?::(.+)", line)
        if need(found, "no workflow command: " + line[:80]):
            counts[found.group(1)] += 1
            need(re.fullmatch(r"(%(25|0A|0D|3A|2C)|[^%])*", found.group(2) or ""), "an unescaped per cent sign")
            need(re.fullmatch(r"(%(25|0A|0D)|[^%])*", found.group(4)), "an unescaped per cent sign")
    for severity, n in counts.items():
        need(n <= 10, "%d commands of severity %s" % (n, severity))


class Page(html.parser.HTMLParser):
    empty = {"meta", "input", "br", "link", "img", "path", "rect", "line"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.policy, self.assets = [], "", {}

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "meta" and values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        for key, value in attributes:
            need(not key.startswith("on") and key != "style", "attribute %s of %s" % (key, tag))
            if key in ("href", "src", "action", "data", "poster", "xlink:href"):
                need(value.startswith("#"), "%s refers to %s" % (tag, value))
        need(tag not in ("link", "img", "iframe", "object", "embed", "base", "video", "audio"), "element " + tag)
        if tag not in self.empty:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag in self.empty:
            return
        if need(self.open and self.open[-1] == tag, "</%s> closes %s" % (tag, self.open[-1:])):
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script"):
            self.assets[self.open[-1]] = self.assets.get(self.open[-1], "") + data


def check_html(text):
    page = Page()
    page.feed(text)
    page.close()
    left = [tag for tag in page.open if tag not in ("li", "p")]
    need(not left, "not closed: %s" % left)
    need("default-src 'none'" in page.policy and "unsafe" not in page.policy, "content policy: " + page.policy)
    for tag, source in page.assets.items():
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        need("sha256-" + digest in page.policy, "the content policy does not know this " + tag)
    need(not re.search(r"url\((?!#)|@import", page.assets.get("style", "")), "the style fetches something")


def inline(text):
    """As every format that people read shows a text of the JSON: without line breaks, blanks folded."""
    return re.sub(r"\s+", " ", text).strip()


def check_trace(path):
    """Every finding of text, SARIF, JUnit, GitHub and HTML is one of the JSON, in its order, with its kind, severity and sentence; none is missing."""
    def read(form):
        with open(f"{path}.{form}", encoding="utf-8", newline="") as file:
            return file.read()

    findings = json.loads(read("json"))["findings"]
    counted = [f for f in findings if not f["suppressed"] and f.get("baseline") != "known"]

    def same(form, got, wanted):
        need(len(got) == len(wanted), f"{form}: {len(got)} findings and not {len(wanted)}")
        for i, (one, other) in enumerate(zip(got, wanted)):
            if not need(one == other, f"{form}: finding {i} is {one} and not {other}"):
                break

    same("text", re.findall(r"^\[\d+\] (\w+): [^\0]*?^    ([a-z-]+), (?:possible|predicted|confirmed)[^\0]*?fingerprint ([0-9a-f]{32})$", read("text"), re.M),
         [(f["severity"], f["kind"], f["fingerprint"]) for f in counted])
    results = json.loads(read("sarif"))["runs"][0]["results"]
    same("sarif", [(r["ruleId"], r["partialFingerprints"]["primaryLocationLineHash"], r["level"], bool(r.get("suppressions"))) for r in results],
         [(f["kind"], f["fingerprint"], f["severity"], f["suppressed"]) for f in findings])
    cases = [c for c in ElementTree.fromstring(read("junit")).iter("testcase") if c.get("name") != "nothing found"]
    same("junit", [(c.get("classname"), c.get("name")[-10:], c.find("failure") is not None) for c in cases],
         [("twatch." + f["kind"], f"({f['fingerprint'][:8]})", f in counted) for f in findings] if len(findings) < 1000 else
         [(c.get("classname"), f"({f['fingerprint'][:8]})", True) for c, f in zip(cases, findings)])
    shown = []
    for severity, command in (("error", "error"), ("warning", "warning"), ("note", "notice")):
        some = [f for f in counted if f["severity"] == severity]
        shown += [(command, f["kind"], inline(f["message"])) for f in some[:9 if len(some) > 9 else None]]
    got = []
    for command, title, text in re.findall(r"^::(\w+) (?:file=[^,]*,line=\d+,(?:col=\d+,)?)?title=twatch%3A ([^:,]+)::(.*)$", read("github"), re.M):
        text = text.split("%0A%0A")[0].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        got.append((command, title, inline(text)))
    if "hostile" not in path:
        same("github", sorted(got), sorted(shown))
    page = read("html")
    same("html", re.findall(r'<details class="finding is-(\w+)".*? data-kind="([^"]*)"[^\0]*?fingerprint ([0-9a-f]{32})', page),
         [(f["severity"], f["kind"], f["fingerprint"]) for f in findings])


def main():
    form, path = sys.argv[1:3]
    if form == "trace":
        check_trace(path)
        for mistake in mistakes[:20]:
            print("%s: %s" % (path, mistake), file=sys.stderr)
        return 1 if mistakes else 0
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    {"json": check_json, "sarif": check_sarif, "junit": check_junit, "github": check_github, "html": check_html}[form](text)
    for mistake in mistakes[:20]:
        print("%s: %s" % (path, mistake), file=sys.stderr)
    return 1 if mistakes else 0


sys.exit(main())
