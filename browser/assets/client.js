// hotreload's script in the pages of a program; docs/browser.md tells what it does.
(() => {
  "use strict";
  const script = document.currentScript;
  const sentinel = Symbol.for("hotreload");
  if (!script || !script.src || window[sentinel]) return;
  window[sentinel] = true;
  // A frame leaves everything to its top window, if that has this script. A foreign top window has not.
  if (window !== window.top) {
    try {
      if (window.top[sentinel] || window.top.document.querySelector('script[src*="/.hotreload/"]')) return;
    } catch (foreign) {
      /* the frame is on its own */
    }
  }

  const base = new URL(".", script.src).href;
  let generation = Number(script.dataset.generation) || 0; // that this document is of
  let run = "",
    seen; // of hotreload; the last change without a generation
  let options = { reload: "page", css: true, overlay: true, console: "off", editor: false };
  let serving = 0,
    phase = "",
    problem = null,
    dismissed = null,
    tests = null, // that fail
    listed = false, // the list of tests is open
    leaving = false;

  // ---- the connection: only while the page is visible, so that many tabs need few. Of the visible pages of one
  // origin, the page with the lock leads: it has the only connection, and passes on what it hears. When the page goes,
  // the browser gives the lock to another page. Without locks (plain HTTP from another machine), each page leads.
  let source = null, // the connection, of a page that leads
    channel = null, // to the other pages
    leave = null, // ends waiting for the lock, or gives it back
    early = null, // messages that have come before the state; null: there is a state
    order = 0, // of the last message
    joined = 0, // counts joins: answers to earlier ones are late
    retry = 0,
    delay = 500;
  const here = () => {
    // When the document was asked for tells which of the last changes it has not.
    const age = Math.round(performance.now());
    const began = Date.now() - age;
    return "?elapsed=" + age + "&began=" + began + "&path=" + encodeURIComponent(location.pathname);
  };
  const connect = () => {
    if (leave || document.visibilityState !== "visible") return;
    const name = "hotreload " + base,
      join = ++joined;
    const alone = () => {
      leave = () => {};
      lead();
    };
    if (!navigator.locks || !window.BroadcastChannel) return alone();
    try {
      channel = new BroadcastChannel(name);
      channel.onmessage = (event) => hear(event.data);
    } catch (sandboxed) {
      return alone();
    }
    const waiting = new AbortController();
    leave = () => waiting.abort();
    const granted = (lock) => {
      if (join !== joined) return;
      if (!lock) {
        follow();
        return void request({ signal: waiting.signal });
      }
      lead();
      return new Promise((release) => (leave = release));
    };
    const request = (how) =>
      navigator.locks.request(name, how, granted).catch((e) => {
        if (join === joined && !source && e.name !== "AbortError") alone();
      });
    request({ ifAvailable: true });
  };
  const lead = () => {
    clearTimeout(retry);
    early = null;
    source = new EventSource(base + "events" + here());
    source.onmessage = (event) => {
      delay = 500;
      const m = JSON.parse(event.data);
      if (channel) channel.postMessage(m); // first, because this page may be about to leave
      order = m.order || m.state.order;
      receive(m);
    };
    source.onerror = () => {
      // the browser tries again by itself, except after an answer that is no stream
      if (!source || source.readyState !== EventSource.CLOSED) return;
      source = null;
      retry = setTimeout(lead, delay);
      delay = Math.min(delay * 2, 10000);
    };
  };
  // follow asks for the state once, without a lasting connection, and then hears the messages that came meanwhile.
  const follow = async () => {
    clearTimeout(retry);
    const join = joined,
      mine = (early = []);
    const current = () => join === joined && early === mine && !source;
    try {
      const answer = await fetch(base + "state" + here(), { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const state = await answer.json();
      if (!current()) return;
      early = null;
      delay = 500;
      order = state.order;
      catchUp(state);
      mine.forEach(hear);
    } catch (e) {
      if (!current()) return;
      retry = setTimeout(follow, delay);
      delay = Math.min(delay * 2, 10000);
    }
  };
  // hear takes a message from the page that leads.
  const hear = (m) => {
    if (source) return; // of a page that led before
    if (early) return void (m.kind === "state" ? follow() : early.push(m));
    if (m.kind === "state") {
      if (m.state.run === run && m.state.order < order) return;
      order = m.state.order;
      return receive(m);
    }
    if (m.order <= order) return;
    if (m.order > order + 1) return void follow();
    order = m.order;
    receive(m);
  };
  const disconnect = () => {
    clearTimeout(retry);
    joined++;
    if (source) source.close();
    if (channel) channel.close();
    if (leave) leave();
    source = channel = leave = early = null;
  };
  document.addEventListener("visibilitychange", () =>
    document.visibilityState === "visible" ? connect() : disconnect(),
  );
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", connect);

  // ---- what hotreload says
  const receive = (m) => {
    switch (m.kind) {
      case "state":
        return catchUp(m.state);
      case "css":
      case "asset":
      case "reload":
        if (m.number) seen = m.number;
        if (m.generation) serving = m.generation;
        if (m.kind === "reload" && m.generation && m.generation === generation) return; // the document is of it already
        return apply(m);
      case "building":
        phase = "building";
        return show();
      case "phase":
        phase = m.phase;
        return show();
      case "problem":
        problem = m.problem;
        dismissed = null;
        return show();
      case "fixed":
        problem = null;
        return show();
      case "tests":
        tests = m.tests || null;
        return show();
    }
  };

  const catchUp = (s) => {
    options = s.options;
    const other = run && run !== s.run;
    run = s.run;
    phase = s.phase;
    problem = s.problem || null;
    tests = s.tests || null;
    serving = s.generation;
    sendConsole();
    show();
    if (other) return reload({ reason: "hotreload was started again", generation: s.generation });
    if (s.generation && generation < s.generation) {
      if (!s.soft || generation < s.soft.from) return stale(s.generation);
      if (s.soft.css) apply({ kind: "css", paths: s.soft.css, generation: s.generation });
      if (s.soft.assets) apply({ kind: "asset", paths: s.soft.assets, generation: s.generation });
      generation = s.generation;
    } else if (s.generation && generation > s.generation && (generation > s.newest || s.phase === "idle")) {
      return stale(s.generation); // of another run, or of a generation that has failed
    }
    const recent = s.recent || [];
    const missed = recent.filter((c) => (seen === undefined ? c.late : c.number > seen));
    const gap = seen !== undefined && s.number > seen && (!recent.length || recent[0].number > seen + 1);
    seen = s.number;
    if (gap) return reload({ reason: "changes were missed" });
    for (const c of missed) apply(c);
  };

  const apply = (m) => {
    const soft = { css: swapStyles, asset: swapAssets }[m.kind];
    if (!soft || (m.kind === "css" && !options.css)) return reload(m);
    if (!soft(m.paths || [], !!m.generation)) return reload(m);
    if (m.generation) generation = m.generation;
    tell("hotreload:swapped", m);
  };

  // stale reloads a document that is not of the generation that serves, once: a cache may have answered.
  const stale = (target) => {
    const pair = generation + ">" + target + " " + run;
    try {
      if (sessionStorage.getItem("hotreload:tried") === pair) {
        console.warn(
          "hotreload: this page is of generation " +
            generation +
            ", but generation " +
            target +
            " serves; a cache or a service worker has answered",
        );
        return;
      }
      sessionStorage.setItem("hotreload:tried", pair);
    } catch (e) {
      if (performance.now() < 3000) return; // without a memory it must not go on for ever
    }
    reload({ generation: target });
  };

  const tell = (name, m) =>
    document.dispatchEvent(
      new CustomEvent(name, {
        bubbles: true,
        cancelable: true,
        detail: { generation: m.generation || 0, paths: m.paths || [], reason: m.reason || "" },
      }),
    );

  const reload = (m) => {
    if (leaving) return;
    if (options.reload === "off") return show();
    if (!tell("hotreload:reload", m)) {
      // the page does it itself
      if (m.generation) generation = m.generation;
      return;
    }
    if (options.reload === "morph" && (window.Idiomorph || window.Turbo)) return morph(m);
    leaving = true;
    setTimeout(() => {
      leaving = false;
    }, 5000); // the user may have stayed
    disconnect();
    location.reload(); // keeps the scroll position
  };

  const morph = async (m) => {
    try {
      if (window.Turbo) {
        if (Turbo.session && Turbo.session.refresh) Turbo.session.refresh(location.href);
        else Turbo.visit(location.href, { action: "replace" });
      } else {
        const answer = await fetch(location.href, { cache: "no-store", headers: { Accept: "text/html" } });
        const type = answer.headers.get("Content-Type") || "";
        if (!answer.ok || !type.startsWith("text/html")) throw new Error("no document");
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        Idiomorph.morph(document.head, fresh.head, { head: { style: "merge" } });
        Idiomorph.morph(document.body, fresh.body);
      }
      if (m.generation) generation = m.generation;
      tell("hotreload:morphed", m);
    } catch (e) {
      leaving = true;
      location.reload();
    }
  };

  // ---- stylesheets, images and fonts
  let count = Date.now();
  const fresh = (url) => {
    const u = new URL(url, document.baseURI);
    u.searchParams.set("hotreload", ++count);
    return u.href;
  };
  const own = (url) => {
    try {
      const u = new URL(url, document.baseURI);
      return u.origin === location.origin && /^https?:$/.test(u.protocol) ? u : null;
    } catch (e) {
      return null;
    }
  };
  // score is how many names at the end of a URL's path are those at the end of a file's.
  const score = (url, path) => {
    const u = own(url);
    if (!u) return 0;
    let name = u.pathname;
    try {
      name = decodeURIComponent(name);
    } catch (e) {
      /* as it is */
    }
    const a = name.split("/").filter(Boolean).reverse(),
      b = path.split("/").filter(Boolean).reverse();
    let n = 0;
    while (n < a.length && n < b.length && a[n] === b[n]) n++;
    return n;
  };
  // best are those of the things that have the longest end in common with one of the files.
  const best = (things, paths, url) => {
    const chosen = new Set();
    for (const path of paths) {
      const scored = things.map((t) => [score(url(t), path), t]);
      const most = Math.max(0, ...scored.map((s) => s[0]));
      if (most) for (const [n, t] of scored) if (n === most) chosen.add(t);
    }
    return chosen;
  };
  // roots are the document and its open shadow roots.
  const roots = (from = document, found = [from]) => {
    for (const e of from.querySelectorAll("*"))
      if (e.shadowRoot) {
        found.push(e.shadowRoot);
        roots(e.shadowRoot, found);
      }
    return found;
  };
  const all = (selector) => roots().flatMap((root) => [...root.querySelectorAll(selector)]);
  const rulesOf = (sheet) => {
    try {
      return [...sheet.cssRules];
    } catch (foreign) {
      return [];
    }
  };
  const sheets = () => roots().flatMap((root) => [...root.styleSheets]);
  const imports = (sheet, found = []) => {
    for (const rule of rulesOf(sheet)) {
      if (!(rule instanceof CSSImportRule)) continue;
      found.push({ rule, url: new URL(rule.href, sheet.href || document.baseURI).href });
      if (rule.styleSheet) imports(rule.styleSheet, found);
    }
    return found;
  };

  const loading = new WeakMap(); // link -> the one that is to take its place
  const pending = new WeakSet();
  const swapLink = (link) => {
    const before = loading.get(link);
    if (before) before.remove();
    const next = link.cloneNode();
    next.removeAttribute("integrity"); // of the old text
    next.href = fresh(link.href);
    next.onload = () => {
      link.remove();
      pending.delete(next);
    };
    next.onerror = () => {
      next.remove();
      reload({ reason: "a stylesheet cannot be loaded" });
    };
    loading.set(link, next);
    pending.add(next);
    link.after(next);
  };
  const swapImport = ({ rule, url }) => {
    const next = fresh(url),
      sheet = rule.parentStyleSheet;
    const text = rule.cssText.replace(/url\((?:"(?:[^"\\]|\\.)*"|[^)]*)\)/, 'url("' + next + '")');
    const early = document.createElement("link"); // so that the rule finds the text there
    Object.assign(early, { rel: "preload", as: "style", href: next });
    early.onload = early.onerror = () => {
      const at = rulesOf(sheet).indexOf(rule);
      try {
        if (at < 0) throw new Error("it is gone");
        sheet.insertRule(text, at);
        sheet.deleteRule(at + 1);
      } catch (e) {
        reload({ reason: "a stylesheet cannot be changed" });
      }
      setTimeout(() => early.remove(), 1000);
    };
    document.head.append(early);
  };
  const swapStyles = (paths, embedded) => {
    const links = all("link[rel~=stylesheet][href]").filter((l) => own(l.href) && !pending.has(l));
    const found = [
      ...links.map((link) => ({ url: link.href, swap: () => swapLink(link) })),
      ...sheets()
        .flatMap((s) => imports(s))
        .filter((i) => own(i.url))
        .map((i) => ({ url: i.url, swap: () => swapImport(i) })),
    ];
    let chosen = best(found, paths, (f) => f.url);
    if (!chosen.size && embedded) return false; // its name may have changed with it, or it is part of the document
    if (!chosen.size) chosen = found;
    for (const f of chosen) f.swap();
    return found.length > 0;
  };

  const swapAssets = (paths) => {
    const places = [];
    const attribute = (e, name) =>
      places.push({ url: e.getAttribute(name), set: (url) => e.setAttribute(name, url) });
    for (const e of all("img[src], input[type=image][src], embed[src], video[src], audio[src], source[src]"))
      attribute(e, "src");
    for (const e of all("link[rel~=icon][href], link[rel~=apple-touch-icon][href], image[href], use[href]"))
      attribute(e, "href");
    for (const e of all("video[poster]")) attribute(e, "poster");
    for (const e of all("object[data]")) attribute(e, "data");
    for (const e of all("img[srcset], source[srcset]")) {
      for (const [, url] of e.srcset.matchAll(/(?:^|,)\s*([^\s,]+)/g)) {
        places.push({
          url,
          set: (to) => {
            e.srcset = e.srcset.split(url).join(to);
          },
        });
      }
    }
    const declared = (style, against, set) => {
      for (const name of style) {
        const value = style.getPropertyValue(name);
        for (const [, url] of value.matchAll(/url\(\s*["']?([^"')]+)["']?\s*\)/g)) {
          places.push({
            url: new URL(url, against).href,
            set: (to) => set(name, value.split(url).join(to), style.getPropertyPriority(name)),
          });
        }
      }
    };
    const inRules = (owner, against) => {
      for (const rule of rulesOf(owner)) {
        if (rule instanceof CSSImportRule) {
          if (rule.styleSheet) inRules(rule.styleSheet, rule.styleSheet.href || against);
          continue;
        }
        if (rule.style && rule instanceof CSSFontFaceRule) {
          // a changed font needs a new rule
          for (const [, url] of rule.cssText.matchAll(/url\(\s*["']?([^"')]+)["']?\s*\)/g)) {
            places.push({
              url: new URL(url, against).href,
              set: (to) => {
                const at = rulesOf(owner).indexOf(rule);
                if (at < 0) return;
                owner.insertRule(rule.cssText.split(url).join(to), at);
                owner.deleteRule(at + 1);
              },
            });
          }
        } else if (rule.style) declared(rule.style, against, (n, v, p) => rule.style.setProperty(n, v, p));
        if (rule.cssRules) inRules(rule, against);
      }
    };
    for (const sheet of sheets()) inRules(sheet, sheet.href || document.baseURI);
    for (const e of all("[style]")) declared(e.style, document.baseURI, (n, v, p) => e.style.setProperty(n, v, p));
    const chosen = best(
      places.filter((p) => p.url),
      paths,
      (p) => p.url,
    );
    for (const p of chosen) p.set(fresh(p.url));
    return chosen.size > 0;
  };

  // ---- the overlay and the badge: nothing of what they show is taken for HTML
  const style = `
    :host { all: initial; display: block; position: fixed; inset: 0; width: 100%; height: 100%; margin: 0;
      padding: 0; border: 0; overflow: visible;
      max-width: none; max-height: none; background: none; z-index: 2147483647; pointer-events: none;
      color-scheme: light dark;
      --paper: light-dark(#fff, #16181d); --ink: light-dark(#1c1e21, #e6e7ea); --dim: light-dark(#5d636b, #9aa1ab);
      --line: light-dark(#d8dbe0, #343943); --red: light-dark(#b3261e, #ff8a80); --mark: light-dark(#fdecea, #3b1f1e);
      --amber: light-dark(#8a5300, #ffc46b); }
    * { box-sizing: border-box; }
    .shade { position: absolute; inset: 0; pointer-events: auto; background: rgb(0 0 0 / .45); display: flex;
      justify-content: center;
      align-items: flex-start; padding: 5vh 16px; overflow: auto; }
    .panel { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
      border-top: 4px solid var(--red);
      border-radius: 6px; width: 100%; max-width: 900px; padding: 20px 24px; box-shadow: 0 12px 40px rgb(0 0 0 / .4); }
    h2 { font-size: 13px; font-weight: 600; margin: 0 0 4px; color: var(--red); letter-spacing: .02em; }
    .first { font-size: 19px; line-height: 1.35; font-weight: 600; margin: 2px 0 8px; white-space: pre-wrap;
      overflow-wrap: anywhere; }
    button { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: left;
      cursor: pointer; }
    .place { font: 14px/1.5 ui-monospace, monospace; color: var(--red); text-decoration: underline;
      text-underline-offset: 3px;
      overflow-wrap: anywhere; }
    span.place { text-decoration: none; }
    button:focus-visible { outline: 2px solid var(--red); outline-offset: 2px; }
    pre { font: 13px/1.55 ui-monospace, monospace; margin: 8px 0; padding: 8px 0; overflow: auto;
      border: 1px solid var(--line);
      border-radius: 4px; tab-size: 4; }
    pre div { padding: 0 12px; min-width: max-content; white-space: pre; }
    pre .here { background: var(--mark); }
    pre .n { color: var(--dim); display: inline-block; width: 4ch; margin-right: 2ch; text-align: right;
      user-select: none; }
    pre .caret { color: var(--red); font-weight: 700; }
    pre.text { padding: 8px 12px; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 45vh; }
    ul { list-style: none; margin: 12px 0 0; padding: 12px 0 0; border-top: 1px solid var(--line); }
    li { margin: 0 0 8px; overflow-wrap: anywhere; white-space: pre-wrap; }
    .foot { margin: 16px 0 0; padding-top: 12px; border-top: 1px solid var(--line); color: var(--dim);
      font-size: 13px; display: flex;
      flex-wrap: wrap; gap: 4px 16px; justify-content: space-between; }
    kbd { font: 12px ui-monospace, monospace; border: 1px solid var(--line); border-radius: 3px; padding: 0 4px; }
    .keys { display: flex; gap: 16px; }
    .said { color: var(--amber); flex-basis: 100%; }
    .said:empty { display: none; }
    .corner { position: absolute; right: 12px; bottom: 12px; display: flex; flex-direction: column; gap: 8px;
      align-items: flex-end; max-width: calc(100% - 24px); }
    .badge { pointer-events: auto; font: 13px/1.4 system-ui, sans-serif;
      color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-left: 4px solid var(--dim);
      border-radius: 4px; padding: 5px 10px; box-shadow: 0 2px 10px rgb(0 0 0 / .25); }
    .badge.stale { border-left-color: var(--red); }
    .badge.quiet { pointer-events: none; }
    .badge.tests { border-left-color: var(--amber); }
    .list { pointer-events: auto; font: 14px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
      border: 1px solid var(--line); border-left: 4px solid var(--amber); border-radius: 4px; width: 640px;
      max-width: 100%; max-height: 50vh; overflow: auto; padding: 10px 16px; box-shadow: 0 2px 10px rgb(0 0 0 / .25); }
    .list ul { margin: 0; padding: 0; border: 0; }
    .list .place { color: var(--amber); }
    @media (prefers-reduced-motion: no-preference) { .badge.busy { animation: appear .2s .15s backwards;
      } @keyframes appear { from { opacity: 0; } } }
    @media (max-width: 600px) { .shade { padding: 8px; } .panel { padding: 14px; } }`;
  const make = (tag, name, text, ...children) => {
    const e = document.createElement(tag);
    if (name) e.className = name;
    if (text !== undefined) e.textContent = text;
    e.append(...children);
    return e;
  };
  let host = null,
    root = null,
    said = null;
  const mount = () => {
    if (!host) {
      if (!window.customElements) return false;
      if (!customElements.get("hotreload-overlay"))
        customElements.define("hotreload-overlay", class extends HTMLElement {});
      host = document.createElement("hotreload-overlay");
      host.setAttribute("data-turbo-temporary", "");
      root = host.attachShadow({ mode: "closed" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      root.adoptedStyleSheets = [sheet];
    }
    if (!host.isConnected) document.documentElement.append(host);
    try {
      // above dialogs of the page
      host.popover = "manual";
      if (!host.matches(":popover-open")) host.showPopover();
    } catch (e) {
      /* an older browser */
    }
    return true;
  };
  const clock = (time) =>
    time ? new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false }) : "";
  const what = (p) =>
    ({
      build: "Build failed",
      generator: p.tool + " failed",
      start: p.tool + " did not start",
      crash: p.tool + " died",
    })[p.kind] || "Problem";
  const meanwhile = (p) =>
    p.serving
      ? "generation " + p.serving + (p.since ? " of " + clock(p.since) : "") + " serves meanwhile"
      : p.kind === "crash" && serving
        ? "generation " + serving + " is started again"
        : "nothing serves meanwhile";

  const openPlace = async (d) => {
    if (!options.editor || !d || !d.file) return;
    said.textContent = "";
    try {
      const answer = await fetch(base + "open", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ file: d.file, line: d.line || 1, col: d.col || 1 }),
      });
      if (!answer.ok) said.textContent = await answer.text();
    } catch (e) {
      said.textContent = "hotreload does not answer";
    }
  };
  const placeOf = (d) => {
    if (!d.name) return "";
    const text = [d.name, d.line, d.col].filter(Boolean).join(":");
    if (!options.editor || !d.file) return make("span", "place", text);
    const button = make("button", "place", text);
    button.onclick = () => openPlace(d);
    return button;
  };
  const sourceOf = (d) => {
    if (!d.source || !d.source.length) return "";
    const pre = make("pre");
    for (const line of d.source) {
      const here = line.number === d.line;
      pre.append(make("div", here ? "here" : "", undefined, make("span", "n", line.number), line.text));
      if (!here || !d.col) continue;
      // columns count bytes
      const before = new TextDecoder().decode(new TextEncoder().encode(line.text).slice(0, d.col - 1));
      pre.append(
        make(
          "div",
          "here",
          undefined,
          make("span", "n", ""),
          before.replace(/[^\t]/g, " "),
          make("span", "caret", "^"),
        ),
      );
    }
    return pre;
  };
  const listOf = (diagnostics) =>
    make(
      "ul",
      "",
      undefined,
      ...diagnostics.map((d) => make("li", "", undefined, placeOf(d), d.name ? " " : "", d.text)),
    );
  const panelOf = (p) => {
    const panel = make("div", "panel");
    panel.setAttribute("role", "alertdialog");
    panel.setAttribute("aria-label", what(p));
    const [first, ...others] = p.diagnostics || [];
    panel.append(make("h2", "", what(p) + (p.kind === "build" ? ": " + p.tool : "")));
    if (first) panel.append(make("div", "first", first.text), placeOf(first), sourceOf(first));
    else {
      const [head, ...rest] = (p.text || "").split("\n");
      panel.append(make("div", "first", head));
      const text = rest.join("\n").trim();
      if (text) panel.append(make("pre", "text", text));
    }
    if (others.length) panel.append(listOf(others));
    if (first && p.text) panel.append(make("pre", "text", p.text));
    said = make("span", "said");
    said.setAttribute("role", "status");
    const hide = make("button", "", undefined, make("kbd", "", "Esc"), " hide");
    hide.onclick = dismiss;
    const keys = make("span", "keys", undefined, hide);
    if (options.editor && first && first.file) {
      const open = make("button", "", undefined, make("kbd", "", "e"), " open in editor");
      open.onclick = () => openPlace(first);
      keys.append(open);
    }
    panel.append(make("div", "foot", undefined, make("span", "", meanwhile(p)), keys, said));
    return panel;
  };
  const dismiss = () => {
    dismissed = problem.at;
    show();
  };
  const badgeOf = () => {
    if (problem) {
      const badge = make(
        "button",
        "badge stale",
        problem.serving
          ? "stale: generation " + problem.serving + (problem.since ? " of " + clock(problem.since) : "")
          : what(problem),
      );
      badge.onclick = () => {
        dismissed = null;
        show();
      };
      return badge;
    }
    const text = {
      building: "building …",
      replacing: "starting …",
      paused: "hotreload is paused",
      stopped: "the program is stopped",
      ended: "hotreload has ended",
    }[phase];
    if (text)
      return make("div", "badge quiet " + (phase === "building" || phase === "replacing" ? "busy" : ""), text);
    if (options.reload === "off" && serving > generation) {
      const badge = make("button", "badge", "generation " + serving + " serves: reload");
      badge.onclick = () => location.reload();
      return badge;
    }
  };
  // testsOf are the badge of failing tests, and above it their list, if the user has opened it. Both are made anew only
  // if they have changed, so that they keep the focus and the scroll position.
  let shown = null;
  const testsOf = () => {
    if (!tests) {
      listed = false;
      return [];
    }
    if (shown && shown.of === tests && shown.listed === listed && shown.editor === options.editor) {
      if (shown.said) said = shown.said;
      return shown.parts;
    }
    const badge = make("button", "badge tests", tests.label);
    badge.setAttribute("aria-expanded", listed);
    badge.onclick = () => {
      listed = !listed;
      show();
    };
    const parts = [badge];
    shown = { of: tests, listed, editor: options.editor, parts };
    if (listed) {
      const list = make("div", "list", undefined, listOf(tests.diagnostics || []));
      list.setAttribute("role", "region");
      list.setAttribute("aria-label", tests.label);
      list.tabIndex = 0; // it scrolls
      if (tests.more) list.append(make("div", "", "and " + tests.more + " more: hotreload problems"));
      said = shown.said = make("span", "said");
      said.setAttribute("role", "status");
      list.append(said);
      parts.unshift(list);
    }
    return parts;
  };
  const show = () => {
    const open = problem && options.overlay && dismissed !== problem.at;
    const badge = open && phase !== "building" ? undefined : badgeOf();
    const corner = [...(open ? [] : testsOf()), ...(badge ? [badge] : [])];
    if (!open && !corner.length) {
      if (host) host.remove();
      return;
    }
    if (!mount()) return;
    const held = root.activeElement && root.activeElement.closest(".tests, .list");
    const parts = [];
    if (open) {
      const shade = make("div", "shade", undefined, panelOf(problem));
      shade.onclick = (event) => event.target === shade && dismiss();
      parts.push(shade);
    }
    let place = root.querySelector(".corner");
    if (!place) root.append((place = make("div", "corner")));
    for (const e of [...root.children]) if (e !== place) e.remove();
    place.before(...parts);
    for (const e of [...place.children]) if (!corner.includes(e)) e.remove();
    corner.forEach((e, i) => place.children[i] !== e && place.insertBefore(e, place.children[i] || null));
    if (held && !held.isConnected && shown && shown.parts.at(-1).isConnected) shown.parts.at(-1).focus();
  };
  window.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (!problem || !options.overlay || dismissed === problem.at) {
        // Only the list itself takes a key: the page gets all others.
        if (event.key !== "Escape" || !listed || !host || document.activeElement !== host) return;
        listed = false;
        show();
        event.stopImmediatePropagation();
        event.preventDefault();
        return;
      }
      const at = event.composedPath()[0];
      const typing =
        at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
      if (event.key === "Escape") dismiss();
      else if (event.key === "e" && !typing && problem.diagnostics) openPlace(problem.diagnostics[0]);
      else return;
      event.stopImmediatePropagation();
      event.preventDefault();
    },
    true,
  );

  // ---- the console, for the terminal
  let held = [],
    wrapped = false;
  const sendOne = (entry) =>
    fetch(base + "console", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(entry),
      keepalive: true,
    }).catch(() => {});
  const say = (entry) => {
    entry.page = location.href;
    entry.path = location.pathname;
    entry.generation = generation;
    if (!run) {
      if (held.length < 20) held.push(entry);
      return;
    }
    if (options.console === "off" || (options.console === "errors" && entry.level !== "error")) return;
    sendOne(entry);
  };
  const sendConsole = () => {
    const before = held;
    held = [];
    for (const entry of before) say(entry);
    if (options.console !== "all" || wrapped) return;
    wrapped = true;
    for (const level of ["error", "warn", "info", "log", "debug"]) {
      const original = console[level];
      console[level] = function (...args) {
        original.apply(this, args);
        say({ level, text: args.map(text).join(" ") });
      };
    }
  };
  const text = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return value.name + ": " + value.message;
    try {
      return JSON.stringify(value) || String(value);
    } catch (e) {
      return String(value);
    }
  };
  window.addEventListener("error", (e) => {
    if (!(e instanceof ErrorEvent)) return; // a resource that was not there
    say({
      level: "error",
      uncaught: true,
      text: e.message,
      file: e.filename,
      line: e.lineno,
      col: e.colno,
      stack: (e.error && e.error.stack) || "",
    });
  });
  window.addEventListener("unhandledrejection", (e) => {
    say({
      level: "error",
      uncaught: true,
      text: "Unhandled rejection: " + text(e.reason),
      stack: (e.reason && e.reason.stack) || "",
    });
  });

  connect();
})();
