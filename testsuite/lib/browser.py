"""Headless Chromium over its debugging pipe: a page is opened, asked, pictured. For tests of the HTML report; needs nothing but the standard library.

    with Browser() as browser:
        page = browser.open("/tmp/report.html", dark=True, width=600)
        page.ask("document.title")
        page.said          # console messages, errors, what the content policy refused
        page.fetched       # addresses that were asked for besides the page's own
"""
import base64, json, os, select, shutil, subprocess, tempfile, time


class Browser:
    def __init__(self, limit=120):
        self.until, self.number, self.rest, self.pages = time.monotonic() + limit, 0, b"", {}
        self.profile = tempfile.mkdtemp(prefix="browser.")
        command_in, self.commands = os.pipe()
        self.answers, answer_out = os.pipe()

        def pipes():
            spare_in, spare_out = os.dup(command_in), os.dup(answer_out)
            os.dup2(spare_in, 3)
            os.dup2(spare_out, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
             f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pipes, close_fds=False, start_new_session=True)
        os.close(command_in)
        os.close(answer_out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        """The next message."""
        while b"\0" not in self.rest:
            left = self.until - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise RuntimeError("the browser took too long")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self.rest += part
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.commands, text):]
        while True:
            got = self.receive()
            if got.get("id") == message["id"]:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']['message']}")
                return got["result"]
            self.note(got)

    def note(self, message):
        page = self.pages.get(message.get("sessionId"))
        if page and "method" in message:
            page.note(message["method"], message["params"])

    def open(self, path, **how):
        return Page(self, path, **how)


class Page:
    def __init__(self, browser, path, dark=False, width=1200, height=900, scripts=True):
        self.browser, self.said, self.fetched, self.loaded = browser, [], [], False
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        self.url = "file://" + os.path.abspath(path)
        for domain in ("Page", "Runtime", "Log", "Network", "Performance"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        start = time.monotonic()
        self.call("Page.navigate", url=self.url)
        while not self.loaded:
            browser.note(browser.receive())
        self.seconds = time.monotonic() - start

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def note(self, method, parameters):
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.consoleAPICalled":
            self.said.append(str([a.get("value") for a in parameters["args"]]))
        elif method == "Runtime.exceptionThrown":
            self.said.append(parameters["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif method == "Log.entryAdded":
            self.said.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not parameters["request"]["url"].startswith((self.url, "about:")):
            self.fetched.append(parameters["request"]["url"][:200])

    def ask(self, expression):
        """The value of a JavaScript expression, awaited when it is a promise."""
        got = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in got:
            raise RuntimeError(got["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return got["result"].get("value")

    def key(self, key):
        """Presses and releases a key: "j", "ArrowLeft"."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def picture(self, path, whole=False):
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        clip = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}}
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"]))
