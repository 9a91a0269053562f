// On top of pages that work without it: theme, keys, files on request, requests at lines, live hints.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const { id, seq: shown, me } = document.body.dataset;
  const root = document.documentElement;

  const kept = (storage) => ({
    get: (key) => { try { return storage().getItem(key); } catch { return null; } },
    set: (key, value) => { try { storage().setItem(key, value); } catch { /* storage is off */ } },
    drop: (key) => { try { storage().removeItem(key); } catch { /* storage is off */ } },
    keys: () => { try { return Object.keys(storage()); } catch { return []; } },
  });
  const here = kept(() => localStorage);
  const tab = kept(() => sessionStorage);
  // ---- behind each form token a key that this origin alone has: a server at another port gets our cookie, and never the key ----
  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const key = here.get("key") ?? hex(crypto.getRandomValues(new Uint8Array(16)));
  here.set("key", key);
  const keyed = (from) => {
    const plain = here.get("key") ? $$("input[name=csrf]", from).filter(({ value }) => value && !value.includes(".")) : [];
    for (const field of plain) field.value += `.${key}`;
    return from;
  };
  const csrf = $("input[name=csrf]", keyed(document))?.value;
  if (csrf?.includes(".") && here.get("keyed") !== csrf) {
    const shown = fetch("/session/key", { method: "POST", body: new URLSearchParams({ csrf }) });
    shown.then(({ ok }) => ok && here.set("keyed", csrf)).catch(() => {});
  }

  // Only pages of our own server become elements, and scripts in them do not run.
  const policy = window.trustedTypes?.createPolicy("countersign", { createHTML: (html) => html });
  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = policy ? policy.createHTML(html) : html;
    return keyed(template.content);
  };
  const load = async (url, signal) => {
    const answer = await fetch(url, { signal, headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return parse(await answer.text());
  };
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  // ---- times: those of this browser, where nobody configured others; nobody gets a cookie at the plain address ----
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const isPlain = /^(localhost|127\.0\.0\.1|\[::1])$/.test(location.hostname);
  if (timeZone && (me || !isPlain)) document.cookie = `countersign-zone=${timeZone}; path=/; max-age=31536000; samesite=lax`;

  // ---- theme ----
  $("[data-theme-toggle]")?.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    here.set("theme", root.dataset.theme);
  });

  // ---- help ----
  const help = $("#help");
  const showHelp = () => (help.open ? help.close() : help.showModal());
  $("[data-help]")?.addEventListener("click", (event) => { event.preventDefault(); showHelp(); });
  $("[data-close]").addEventListener("click", () => help.close());
  for (const keySwitch of $$("[data-keys]")) {
    keySwitch.checked = here.get("keys") !== "off";
    keySwitch.addEventListener("change", () => here.set("keys", keySwitch.checked ? "on" : "off"));
  }

  // ---- that the page was before somebody: a request of its own, since reading a page changes nothing ----
  const seen = $("#seen");
  if (seen && document.visibilityState === "visible") {
    fetch(seen.action, { method: "POST", redirect: "manual", body: new URLSearchParams(new FormData(seen)) }).catch(() => {});
  }

  // ---- files viewed: a tick belongs to the bytes, so it is gone when they change ----
  document.addEventListener("submit", async (event) => {
    const { target: ticks, submitter } = event;
    if (ticks.id !== "ticks") return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(ticks, submitter));
    const answer = await fetch(ticks.action, { method: "POST", redirect: "manual", body }).catch(() => null);
    if (answer?.type !== "opaqueredirect") return announce("The tick could not be kept, reload");
    const [on, sha256] = submitter.value.split(" ");
    const same = $$(".tick").filter((tick) => tick.value.split(" ")[1] === sha256);
    for (const tick of same) {
      tick.value = tick.value.replace(/^[01]/, on === "1" ? "0" : "1");
      tick.setAttribute("aria-pressed", on === "1");
    }
    const add = (to, by) => { if (to) to.textContent = Number(to.textContent) + (on === "1" ? by : -by); };
    const listed = same.filter((tick) => tick.closest(".files"));
    add($("[data-viewed]"), listed.length);
    add($("[data-left]"), -listed.filter((tick) => tick.closest("[data-new]")).length);
    if ($(".files progress")) $(".files progress").value = $("[data-viewed]").textContent;
  });

  // ---- passkeys: what the authenticator says goes with the form ----
  document.addEventListener("submit", async (event) => {
    const { target: ask, submitter } = event;
    if (!ask.dataset.options || ask.elements.said.value) return;
    event.preventDefault();
    const make = "make" in ask.dataset;
    try {
      const publicKey = PublicKeyCredential[`parse${make ? "Creation" : "Request"}OptionsFromJSON`](JSON.parse(ask.dataset.options));
      const key = await navigator.credentials[make ? "create" : "get"]({ publicKey });
      ask.elements.said.value = JSON.stringify(key.toJSON());
      ask.requestSubmit(submitter);
    } catch (error) { $("[data-said]", ask).textContent = `No passkey was used: ${error.message}`; }
  });

  // ---- files on request ----
  document.addEventListener("toggle", async (event) => {
    const box = event.target;
    if (!box.matches?.("details.lazy[open]") || box.dataset.asked) return;
    box.dataset.asked = "1";
    try { box.replaceWith(await load(box.dataset.part)); } catch { delete box.dataset.asked; } // the link inside still leads there
  }, true);

  // ---- a file shown in another way, in its place ----
  document.addEventListener("click", async (event) => {
    const turn = event.target.closest?.(".art a[data-turn]");
    if (!turn || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const card = turn.closest(".art");
    try {
      turn.closest(".shown").replaceWith(await load(`${turn.href}&part=1`));
      $(".shown a", card)?.focus({ preventScroll: true });
    } catch { location.href = turn.href; }
  });
  document.addEventListener("input", ({ target }) => {
    if (target.matches("[data-cut]")) target.closest("[data-over]").style.setProperty("--cut", `${target.value}%`);
  });

  // ---- say something at a line, a cell or a region: the form below the file comes to the place ----
  const form = $("#decide");
  const note = $("#note");
  let drafts = 0;
  const sayAt = (card, row, values) => {
    const words = $(".say form", card)?.cloneNode(true);
    if (!words) return;
    words.reset();
    for (const [name, value] of Object.entries(values)) words.elements[name].value = value;
    words.dataset.draft = drafts += 1;
    const leave = element("button", { class: "btn sm quiet", type: "button" }, "Leave");
    $(".acts", words).append(leave);
    const columns = [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
    const box = element("tr", { class: "c" }, element("td", { colspan: columns }, words));
    leave.addEventListener("click", () => { box.remove(); tab.drop(mine("words", wordsOf(words))); });
    row.after(box);
    $("textarea", words).focus();
  };
  const pointed = (event) => {
    const cell = event.target.closest?.(".art td, .art th");
    const card = cell?.closest(".art");
    if (!card || event.target.closest("a, form")) return;
    const { line } = cell.dataset;
    const begun = event.shiftKey && $("tr.c form", card);
    if (line && event.type === "click" && begun) begun.elements.end_line.value = line;
    else if (line && event.type === "click") sayAt(card, cell.parentNode, { line });
    const table = cell.closest("[data-sheet]");
    const { atRow } = cell.parentNode.dataset;
    if (!table || !atRow || event.type === "click") return;
    const column = $$("thead th", table)[cell.cellIndex].dataset.col ?? "";
    sayAt(card, cell.parentNode, { row: atRow, column, sheet: table.dataset.sheet });
  };
  for (const kind of ["click", "dblclick"]) document.addEventListener(kind, pointed);
  let corner;
  const inPicture = (event, picture) => {
    const [width, height] = $(".say", picture.closest(".art")).dataset.size.split(" ");
    const { left, top, width: w, height: h } = picture.getBoundingClientRect();
    return [(event.clientX - left) * width / w, (event.clientY - top) * height / h].map(Math.round);
  };
  document.addEventListener("pointerdown", (event) => {
    const picture = event.target.closest?.("img[data-now]");
    if (!picture || !$(".say[data-size]", picture.closest(".art"))) return;
    event.preventDefault(); // else the picture is dragged
    corner = { picture, at: inPicture(event, picture) };
  });
  document.addEventListener("pointerup", (event) => {
    if (!corner) return;
    const [a, b] = [corner.at, inPicture(event, corner.picture)];
    const box = $(".say", corner.picture.closest(".art"));
    const [x, y] = [0, 1].map((i) => Math.max(0, Math.min(a[i], b[i])));
    const values = { x, y, width: Math.abs(a[0] - b[0]) || 1, height: Math.abs(a[1] - b[1]) || 1 };
    for (const [name, value] of Object.entries(values)) $("form", box).elements[name].value = value;
    box.open = true;
    $("textarea", box).focus();
    corner = null;
  });
  if ($(".say")) root.classList.add("can-ask");

  // ---- words outlive a reload and the end of a session. They belong to their person, and end when they were taken ----
  const mine = (kind, rest) => `${kind}:${encodeURIComponent(me)}:${rest}`;
  const written = /^(note|words|sent):/;
  if (me) for (const key of tab.keys()) if (written.test(key) && key.split(":")[1] !== encodeURIComponent(me)) tab.drop(key);
  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action") === "/sign-out") for (const key of tab.keys()) if (written.test(key)) tab.drop(key);
  });
  if (me && note) {
    if (note.value === "") note.value = tab.get(mine("note", id)) ?? "";
    note.addEventListener("input", () => tab.set(mine("note", id), note.value));
  } else if (me && id) tab.drop(mine("note", id));
  const TEXTS = "textarea:not(#note)";
  // Of several forms about one file each keeps its own.
  const wordsOf = (of, number = of.dataset.draft ?? 0) =>
    `${of.getAttribute("action")} ${encodeURIComponent(of.elements.path?.value ?? "")} ${number}`;
  // What was sent is over once a page comes back that is neither a problem nor the sign-in.
  const refusedNow = $("[data-problem]") || document.body.dataset.page === "sign-in" || $("[role=alert].summary") || !me;
  for (const key of tab.keys().filter((one) => one.startsWith("sent:"))) {
    if (!refusedNow) tab.drop(key.replace("sent:", "words:"));
    tab.drop(key);
  }
  if (me) {
    document.addEventListener("input", ({ target }) => {
      const of = target.form;
      if (!of || of === form || of.method !== "post" || !$(TEXTS, of)) return;
      const fields = [...of.elements].filter((one) => one.matches("textarea, input.in, input[name=revision]") && one.type !== "password");
      const { defaultValue: base, value: now } = $(TEXTS, of);
      const key = mine("words", wordsOf(of));
      if (now === base) tab.drop(key);
      else tab.set(key, JSON.stringify({ base, fields: fields.map((one) => [one.name, one.value]) }));
    });
    document.addEventListener("submit", ({ target }) => {
      if (target !== form && target.method === "post" && $(TEXTS, target)) tab.set(mine("sent", wordsOf(target)), "1");
    });
    for (const of of $$("form[method=post]")) {
      if (of === form || !$(TEXTS, of)) continue;
      const fresh = of.cloneNode(true);
      const begin = mine("words", wordsOf(of, ""));
      for (const key of tab.keys().filter((one) => one.startsWith(begin)).sort()) {
        const { base, fields } = JSON.parse(tab.get(key));
        if ($(TEXTS, fresh).defaultValue !== base) continue; // another text stands there now
        const number = Number(key.slice(begin.length));
        const to = number ? fresh.cloneNode(true) : of;
        if (number) of.after(to);
        if (number) to.dataset.draft = drafts = Math.max(drafts, number);
        for (const [name, value] of fields) if (to.elements[name] && name !== "revision") to.elements[name].value = value;
        for (let box = to.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
      }
    }
  }

  // ---- decide: a key opens the form, Ctrl Enter sends it ----
  const say = (text) => { for (const line of $$("[data-picked-note]")) line.textContent = text; };
  const unpick = () => { for (const one of $$(".decide .acts .btn")) delete one.dataset.picked; say(""); };
  const pick = (value) => {
    const button = $(`.decide .acts [value=${value}]`);
    if (!button || button.disabled) return;
    unpick();
    button.dataset.picked = "";
    say(`Ctrl Enter sends: ${$(".hide-s", button).textContent}. Esc takes it back.`);
    note.focus();
  };
  const send = (button = $("[data-picked]:enabled")) => (button ? form.requestSubmit(button) : say("Choose an answer first."));
  $(".summary")?.focus();

  // ---- cursor over rows and files ----
  const rows = $$("[data-row]");
  const cards = $$(".art");
  let at = Math.max(0, rows.findIndex((row) => row.hasAttribute("aria-current")));
  let looking;
  const peek = async (row) => {
    const link = $("[data-peek]", row);
    const pane = $(".peek");
    looking?.abort();
    if (!link || !pane || pane.offsetParent === null) return;
    looking = new AbortController();
    try {
      const fresh = $(".peek", await load(link.href, looking.signal));
      if (fresh) $(".peek").replaceWith(fresh);
    } catch { /* the pane stays as it was */ }
  };
  const move = (to) => {
    if (rows.length === 0) return;
    rows[at].removeAttribute("aria-current");
    at = Math.min(rows.length - 1, Math.max(0, to));
    rows[at].setAttribute("aria-current", "true");
    $("h3 a", rows[at]).focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
    peek(rows[at]);
  };
  const open = () => $("h3 a", rows[at])?.click();
  const extend = (step) => {
    for (const to of [0, step]) {
      if (to) move(at + to);
      if ($("input", rows[at])) $("input", rows[at]).checked = true;
    }
  };
  const act = (what) => $(`.peek form[data-act=${what}]`)?.requestSubmit();
  const TOP = 120; // what the sticky bars cover
  const first = () => cards.findIndex((card) => card.getBoundingClientRect().bottom > TOP);
  const goTo = (list, to) => list[Math.min(list.length - 1, Math.max(0, to))]?.scrollIntoView({ block: "start" });
  const change = (step) => {
    const hunks = $$(".diff tr.h");
    const tops = hunks.map((hunk) => hunk.getBoundingClientRect().top);
    const to = step > 0 ? tops.findIndex((top) => top > TOP + 8) : tops.findLastIndex((top) => top < TOP - 8);
    if (to >= 0) hunks[to].scrollIntoView({ block: "start" });
  };
  const view = () => $(".tick", cards[Math.max(0, first())])?.click();
  const viewNext = () => {
    view();
    const left = cards.findIndex((card, i) => i > first() && $(".tick[aria-pressed=false]", card));
    if (left >= 0) goTo(cards, left);
  };
  const speak = () => {
    const box = $(".say", cards[Math.max(0, first())]);
    if (!box) return;
    box.open = true;
    $("textarea", box).focus();
  };
  const visit = (url) => { if (url) location.href = url; };
  if (location.hash === "#to") $("#to")?.focus();
  $("#filter")?.addEventListener("input", ({ target: { value } }) => {
    for (const file of $$(".files li[data-at]")) file.hidden = !file.textContent.toLowerCase().includes(value.trim().toLowerCase());
  });

  // ---- palette: a page or a row by its words, a handoff by its number, else the search ----
  const palette = $("#palette");
  const places = $$(".nav a, .menu a, [data-row] h3 a").map((a) => [a.textContent.trim().replace(/\s+/g, " "), a.href]);
  $("datalist", palette).append(...places.map(([value]) => element("option", { value })));
  palette.addEventListener("submit", (event) => {
    const words = $("input", palette).value.trim().toLowerCase();
    const number = /^(?:h-?)?(\d+)$/.exec(words)?.[1];
    const to = number ? `/h/H-${number}` : words && places.find(([text]) => text.toLowerCase().includes(words))?.[1];
    if (to) event.preventDefault();
    visit(to);
  });

  // ---- keys ----
  const { previous, next } = document.body.dataset;
  const keys = {
    "?": showHelp,
    "/": () => $(".qbox input, .find input")?.focus(),
    "g q": () => visit("/queue"), "g s": () => visit("/search"), "g a": () => visit("/activity"),
    "g l": () => visit("/locks"), "g i": () => visit("/insights"),
    "]": () => visit(next), "[": () => visit(previous), u: () => visit("/queue"), z: () => $("#undo")?.requestSubmit(),
    ...(rows.length && {
      j: () => move(at + 1), k: () => move(at - 1), o: open, Enter: open, x: () => $("input", rows[at])?.click(),
      J: () => extend(1), K: () => extend(-1), c: () => act("claim"), h: () => act("snooze"), t: () => visit($("h3 a", rows[at]).href + "#to"),
    }),
    ...(cards.length && {
      j: () => goTo(cards, first() + 1), k: () => goTo(cards, first() - 1),
      n: () => change(1), p: () => change(-1), v: view, V: viewNext, c: speak,
      e: () => $("[data-edit]", cards[Math.max(0, first())])?.click(), b: () => $("#base")?.focus(), f: () => $("#filter")?.focus(), t: () => $("#to")?.focus(),
      w: () => $("#wrap")?.click(), m: () => $("[data-key=m]")?.click(),
    }),
    ...(form && Object.fromEntries($$(".decide .acts kbd").map((kbd) => [kbd.textContent, () => pick(kbd.closest("button").value)]))),
  };
  let begun = "";
  let timer;
  document.addEventListener("keydown", (event) => {
    const on = event.target;
    if (event.isComposing || event.keyCode === 229) return; // keys of an input method
    // Brackets and the like take AltGr or Option on many keyboards.
    const isTyped = "[]/?".includes(event.key) && (event.getModifierState("AltGraph") || event.altKey) && !event.metaKey;
    if (on.form === form && form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return send();
    }
    if (event.key === "Enter" && on.matches("input") && on.form && on.form === $("[data-none]")?.form) return event.preventDefault();
    if (event.key === "Escape" && !event.isComposing && !palette.open && !help.open) unpick();
    if (event.key === "k" && (event.ctrlKey || event.metaKey)) return event.preventDefault(), palette.open || palette.showModal();
    if (palette.open || ((event.ctrlKey || event.metaKey || event.altKey) && !isTyped)) return;
    if (on.matches("input:not([type=checkbox]), textarea, select")) return event.key === "Escape" && on.blur();
    if (here.get("keys") === "off" || (help.open && event.key !== "?")) return;
    if (event.key === "Enter" && on.matches("a, button, summary")) return;
    clearTimeout(timer);
    timer = setTimeout(() => { begun = ""; }, 800);
    const pressed = begun ? `${begun} ${event.key}` : event.key;
    begun = "";
    if (keys[pressed]) {
      event.preventDefault();
      keys[pressed]();
    } else if (event.key === "g") begun = "g";
  });

  // ---- live: a hint says that something changed, the page asks what ----
  const status = $("[data-live]");
  const clock = () => new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const api = async (path) => {
    const answer = await fetch(`/api/v1/${path}`, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  };
  const announce = (text) => {
    const news = $("#news");
    $("a", news).textContent = text;
    news.hidden = false;
  };
  const checkQueue = async () => {
    const name = new URLSearchParams(location.search).get("view") ?? "turn";
    const queue = await api(`handoffs?view=${encodeURIComponent(name)}&limit=50`);
    const mine = new Set(rows.map((row) => `${row.dataset.row} ${row.dataset.revision}`));
    const fresh = queue.rows.filter((row) => !mine.has(`${row.id} ${row.revision}`)).length;
    const total = Number($("[data-total]")?.dataset.total ?? 0);
    if (fresh > 0 && rows.length === 0) location.reload(); // nothing is there that could jump
    else if (fresh > 0) announce(`${fresh} new, show`);
    else if (queue.counts[name] !== total) announce("The list changed, show");
  };
  const checkReview = async () => {
    const row = await api(`handoffs/${id}`);
    const { revision, manifest } = document.body.dataset;
    const moved = row.revision !== Number(revision) || row.manifest_sha256 !== manifest;
    const grew = row.partial && String(row.partial.seen.through) !== $("[name=partial]")?.value;
    const news = row.held ? `${row.held.by} answered, show` : grew && "More of the result came, show";
    if (!moved && row.state === "waiting") return news && announce(news);
    const text = moved ? `Revision ${row.revision} arrived at ${clock()}.` : `${id} was answered${row.decided ? ` by ${row.decided.by}` : ""} at ${clock()}.`;
    $("[data-stale]").textContent = text;
    $("#stale").hidden = false;
    for (const button of $$(".decide .acts .btn")) button.disabled = true;
    say("");
  };
  const checkSwap = async () => {
    const old = $("#swap");
    if ($("details[open]", old)) return announce("The list may have changed, show"); // somebody writes there
    const fresh = $("#swap", await load(location.href));
    if (fresh) old.replaceChildren(...fresh.childNodes);
  };
  const checks = [
    ["#swap", checkSwap],
    ["#decide", checkReview],
    ["[data-total]", checkQueue],
    ["[data-newest]", async () => announce("The list may have changed, show")],
  ];
  const check = checks.find(([selector]) => $(selector))?.[1];
  if (!status || !$("#news")) return;
  let last = Date.now(), lost = null;
  const tell = () => {
    const seconds = Math.round((Date.now() - last) / 1000);
    const ago = seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
    status.textContent = lost ? `Not live since ${lost}, retrying` : `Live, last event ${ago} ago`;
    status.classList.toggle("warn-word", lost !== null);
  };
  let soon;
  // A browser has six connections to us, so one tab listens and tells the others. Where a page may not do that, since it
  // came without TLS, a tab listens while it is seen.
  let source, newest = 0;
  const hear = ({ seq, since }) => {
    lost = since ?? null;
    if (since) newest = 0;
    else last = Date.now();
    tell();
    if (!seq || seq <= Math.max(newest, Number(shown))) return;
    newest = seq;
    clearTimeout(soon);
    soon = setTimeout(() => check?.().catch(() => {}), 200);
  };
  const tabs = navigator.locks && window.BroadcastChannel ? new BroadcastChannel("live") : null;
  const share = (news) => { hear(news); tabs?.postMessage(news); };
  let heard = 0;
  const connect = () => {
    source = new EventSource("/api/v1/events");
    const own = source;
    own.addEventListener("open", () => share({}));
    own.addEventListener("changed", (event) => { heard = JSON.parse(event.data).seq; share({ seq: heard }); });
    own.addEventListener("error", () => {
      share({ since: lost ?? clock() });
      if (own.readyState === EventSource.CLOSED) setTimeout(() => { if (source === own) connect(); }, 15000);
    });
  };
  const part = () => { source?.close(); source = null; };
  addEventListener("pagehide", part, { once: true });
  if (tabs) {
    tabs.addEventListener("message", ({ data }) => {
      if (!data.hello) hear(data);
      else if (source) tabs.postMessage(lost ? { since: lost } : { seq: heard });
    });
    tabs.postMessage({ hello: true });
    navigator.locks.request("live", () => new Promise((over) => {
      addEventListener("pagehide", over, { once: true });
      connect();
    })).catch(connect);
  } else {
    const turn = () => { if (document.hidden) part(); else if (!source) connect(); };
    document.addEventListener("visibilitychange", turn);
    turn();
  }
  for (const left of $$("[data-left-s]")) setInterval(() => { if (left.textContent > 0) left.textContent -= 1; else location.reload(); }, 1000);
  const every = Number($("[data-every]")?.dataset.every ?? 0); // what changes without a fact
  if (every > 0) setInterval(() => { if (!$("#swap details[open]") && !document.hidden) check().catch(() => {}); }, every * 1000);
  setInterval(tell, 5000);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
