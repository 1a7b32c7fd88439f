// The page about hotreload itself. It asks for everything anew when the stream of events says that something happened.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const make = (tag, name, text, ...children) => {
    const e = document.createElement(tag);
    if (name) e.className = name;
    if (text !== undefined) e.textContent = text;
    e.append(...children);
    return e;
  };
  const notice = (text) => {
    $("notice").textContent = text;
  };
  const json = async (path) => {
    const answer = await fetch(path, { cache: "no-store" });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  const post = (path, body) =>
    fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });
  const time = (ms) =>
    ms >= 10000 ? (ms / 1000).toFixed(0) + " s" : ms >= 1000 ? (ms / 1000).toFixed(1) + " s" : Math.round(ms) + " ms";
  let dir = "";
  const short = (path) => (dir && path.startsWith(dir + "/") ? path.slice(dir.length + 1) : path);

  // ---- parts of the page
  const states = {
    building: "warn",
    replacing: "warn",
    paused: "warn",
    stopped: "warn",
    starting: "warn",
    idle: "good",
    ended: "bad",
  };
  const stateOf = (s, page) => {
    if (page && page.problem) return [page.problem.serving || s.serving ? "stale" : "does not serve", "bad"];
    const phase = page ? page.phase : s.phase;
    return [phase === "idle" ? "serves" : phase, states[phase] || ""];
  };
  const table = (heads, rows) => {
    const cell = (tag, value, i) => make(tag, heads[i].number ? "number" : "", value);
    return make(
      "div",
      "scroll",
      undefined,
      make(
        "table",
        "",
        undefined,
        make("thead", "", undefined, make("tr", "", undefined, ...heads.map((h, i) => cell("th", h.name, i)))),
        make(
          "tbody",
          "",
          undefined,
          ...rows.map((r) => make("tr", "", undefined, ...r.map((v, i) => cell("td", v, i)))),
        ),
      ),
    );
  };
  const counter = (list, name) => (list || []).find((c) => c.name === name);
  const amount = (c) => {
    if (!c) return "";
    if (c.unit === "bytes" || c.unit === "B") return (c.value / 1e6).toFixed(1) + " MB";
    if (c.unit === "s") return c.value < 10 ? c.value.toFixed(1) + " s" : Math.round(c.value) + " s";
    return String(Math.round(c.value * 1000) / 1000);
  };
  const showServices = (services, pages) => {
    $("services").replaceChildren(
      ...services.map((s) => {
        const page = pages.find((p) => p.service === s.name);
        const [text, kind] = stateOf(s, page);
        const head = make(
          "h3",
          "",
          undefined,
          make("span", "", s.name || s.program.split("/").pop() || "service"),
          make("span", kind, text),
          make("span", "", "generation " + s.serving),
          make("span", "program", s.program),
        );
        const parts = [head];
        if (s.listen.length) parts.push(make("div", "small", "listens on " + s.listen.join(", ")));
        if (s.built) parts.push(make("div", "small", "last build: " + s.built));
        if (s.alone) parts.push(make("div", "small", "old workers exit before new ones start: " + s.alone));
        if (s.pending.length)
          parts.push(
            make("div", "warn small", s.pending.join(", ") + ": takes effect at the next start of hotreload"),
          );
        if (s.workers.length) {
          parts.push(
            table(
              [
                { name: "slot" },
                { name: "generation", number: 1 },
                { name: "pid", number: 1 },
                { name: "state" },
                { name: "up", number: 1 },
                { name: "memory", number: 1 },
                { name: "connections", number: 1 },
                { name: "requests", number: 1 },
              ],
              s.workers.map((w) => [
                w.slot,
                w.generation,
                w.pid,
                w.state,
                time(w.uptime / 1e6),
                amount(counter(w.counters, "rss")),
                amount(counter(w.counters, "connections")),
                amount(counter(w.counters, "requests")),
              ]),
            ),
          );
        }
        return make("div", "service", undefined, ...parts);
      }),
    );
  };
  const showCounters = (services) => {
    $("counters").replaceChildren(
      ...services.flatMap((s) => [
        services.length > 1 ? make("h3", "", s.name) : "",
        table(
          [{ name: "name" }, { name: "value", number: 1 }, { name: "of", number: 1 }],
          s.counters.map((c) => [c.name, amount(c), c.max === undefined || c.max === null ? "" : String(c.max)]),
        ),
      ]),
    );
  };
  const outcomes = {
    live: ["in effect at once", "good"],
    ran: ["command ran", "good"],
    unchanged: ["program identical", ""],
    kept: ["workers keep the old code", "warn"],
    failed: ["failed", "bad"],
  };
  const svg = (tag, attributes) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    return e;
  };
  const barOf = (entry, longest) => {
    const rest = Math.max(0, (entry.total_ms || 0) - (entry.build_ms || 0) - (entry.replace_ms || 0));
    // The compiler's and the linker's time is known of fast builds only: go build mixes them.
    const compile = entry.compile_ms || 0,
      link = entry.link_ms || 0;
    const parts = [
      ["compile", compile],
      ["link", link],
      ["build", Math.max(0, (entry.build_ms || 0) - compile - link)],
      ["replace", entry.replace_ms || 0],
      ["rest", rest],
    ];
    if (!parts.some(([, v]) => v > 0)) return "";
    const title = parts
      .filter(([, v]) => v > 0)
      .map(([n, v]) => ({ rest: "notice and wait", build: compile ? "rest of the build" : "build" }[n] || n) + " " + time(v))
      .join(", ");
    const bar = svg("svg", { viewBox: "0 0 1000 8", preserveAspectRatio: "none", role: "img", "aria-label": title });
    bar.append(Object.assign(svg("title", {}), { textContent: title }));
    let x = 0;
    for (const [name, value] of parts) {
      const width = (1000 * value) / longest;
      bar.append(svg("rect", { x, y: 0, width, height: 8, class: "fill-" + name }));
      x += width;
    }
    return bar;
  };
  const showSaves = (history) => {
    const list = history.slice(0, 25);
    const longest = Math.max(
      1,
      ...list.map((e) => Math.max(e.total_ms || 0, (e.build_ms || 0) + (e.replace_ms || 0))),
    );
    $("saves").replaceChildren(
      ...list.map((e) => {
        const [text, kind] =
          e.outcome === "serves"
            ? ["generation " + e.generation + " serves", "good"]
            : outcomes[e.outcome] || [e.outcome, ""];
        const head = make(
          "div",
          "head",
          undefined,
          make("time", "", clock(e.at)),
          e.service ? make("b", "", e.service) : "",
          make("span", kind, text),
        );
        const total = e.total_ms || e.build_ms;
        if (total) head.append(make("span", "total", time(total)));
        const files = make(
          "div",
          "files",
          undefined,
          ...(e.files || [])
            .slice(0, 6)
            .map((f) =>
              make("div", "", undefined, short(f.path) + " → " + f.class + " ", make("span", "small", f.reason)),
            ),
        );
        if ((e.files || []).length > 6) files.append(make("div", "small", e.files.length - 6 + " more files"));
        return make(
          "li",
          "",
          undefined,
          head,
          files,
          e.text ? make("div", "bad", e.text) : "",
          barOf(e, longest),
          e.way ? make("div", "small", "built: " + e.way) : "",
        );
      }),
    );
    if (!list.length) $("saves").append(make("li", "small", "Nothing was saved yet."));
  };
  const showProblems = (pages, canOpen) => {
    const parts = [];
    for (const page of pages) {
      const p = page.problem;
      if (!p) continue;
      const box = make(
        "div",
        "problem",
        undefined,
        make(
          "h3",
          "",
          (page.service ? page.service + ": " : "") +
            p.tool +
            " failed" +
            (p.serving ? "; generation " + p.serving + " serves on" : ""),
        ),
      );
      for (const d of p.diagnostics || []) {
        const place = [d.name, d.line, d.col].filter(Boolean).join(":");
        let where = make("span", "place", place);
        if (canOpen && d.file) {
          where = make("button", "place", place);
          where.onclick = async () => {
            const answer = await post("open", { file: d.file, line: d.line || 1, col: d.col || 1 });
            if (!answer.ok) notice(await answer.text());
          };
        }
        box.append(make("p", "", undefined, place ? where : "", " " + d.text));
      }
      if (p.text) box.append(make("pre", "", p.text));
      parts.push(box);
    }
    $("problems").hidden = !parts.length;
    $("problems").replaceChildren(...(parts.length ? [make("h2", "", "Problems"), ...parts] : []));
  };

  // ---- asking
  let asking = false,
    again = false;
  const refresh = async () => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const overview = await json("overview");
      dir = overview.dir;
      $("where").textContent = dir;
      showSaves(overview.history);
      showProblems(overview.states, overview.can_open);
      const paused = overview.states.some((s) => s.phase === "paused");
      $("pause").firstChild.textContent = paused ? "Resume " : "Pause ";
      $("pause").disabled = !overview.can_pause;
      const { services } = await json("api/v1/status");
      showServices(services, overview.states);
      showCounters(services);
      const stale = overview.states.some((s) => s.problem);
      document.title = (stale ? "stale – " : "") + "hotreload";
    } catch (e) {
      notice(e.message);
    }
    asking = false;
    if (again) {
      again = false;
      soon();
    }
  };
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 60);
  };

  // ---- the output of the workers, as it comes
  const maxLines = 500;
  let reading = null;
  const readLogs = async () => {
    const stop = (reading = new AbortController());
    $("logs").replaceChildren();
    try {
      const answer = await fetch("api/v1/logs?last=200", { signal: stop.signal });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        const logs = $("logs"),
          atEnd = logs.scrollTop + logs.clientHeight >= logs.scrollHeight - 20;
        for (const line of lines.filter(Boolean)) {
          const n = JSON.parse(line);
          if (n.event === "dropped") {
            logs.append(make("div", "who", n.text + " lines are missing"));
            continue;
          }
          const who = [n.service, n.worker && n.worker.slot ? n.worker.slot : ""].filter(Boolean).join(" ");
          logs.append(
            make(
              "div",
              n.stream,
              undefined,
              make("span", "who", clock(n.time) + (who ? " " + who : "") + "  "),
              n.text,
            ),
          );
        }
        while (logs.childElementCount > maxLines) logs.firstChild.remove();
        if (atEnd) logs.scrollTop = logs.scrollHeight;
      }
    } catch (e) {
      /* the page was hidden, or hotreload has ended */
    }
  };

  let source = null;
  const connect = () => {
    if (source || document.visibilityState !== "visible") return;
    source = new EventSource("events?all=1");
    source.onopen = () => {
      notice("");
      soon();
      readLogs();
    };
    source.onmessage = soon;
    source.onerror = () => {
      notice("hotreload does not answer");
      if (source.readyState === EventSource.CLOSED) {
        disconnect();
        setTimeout(connect, 2000);
      }
    };
  };
  const disconnect = () => {
    if (source) source.close();
    if (reading) reading.abort();
    source = reading = null;
  };
  document.addEventListener("visibilitychange", () =>
    document.visibilityState === "visible" ? connect() : disconnect(),
  );
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", connect);
  setInterval(() => {
    if (document.visibilityState === "visible" && source) soon();
  }, 5000); // uptime, memory

  // ---- buttons and keys
  const press = async (command) => {
    const answer = await post("do", { command }).catch(() => null);
    notice(!answer ? "hotreload does not answer" : answer.ok ? "" : await answer.text());
    soon();
  };
  for (const b of document.querySelectorAll("[data-command]")) b.onclick = () => press(b.dataset.command);
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea")) return;
    const command = { r: "reload", R: "rebuild", p: "pause" }[e.key];
    if (command) {
      e.preventDefault();
      press(command);
    }
  });
  $("explain").onsubmit = async (e) => {
    e.preventDefault();
    const typed = $("path").value.trim();
    if (!typed) return;
    const path = /^(\/|[A-Za-z]:)/.test(typed) ? typed : dir + "/" + typed.replace(/^\.\//, "");
    try {
      const all = await json("api/v1/explain?path=" + encodeURIComponent(path));
      $("explained").replaceChildren(
        ...all.map((x) =>
          make(
            "p",
            "",
            undefined,
            x.service ? make("b", "", x.service + ": ") : "",
            make("b", "", x.class),
            ": " + (x.ignored ? "ignored by " + x.ignored : x.reason) + (x.exists ? "" : " (there is no such file)"),
          ),
        ),
      );
    } catch (err) {
      $("explained").replaceChildren(make("p", "bad", err.message));
    }
  };
  connect();
})();
