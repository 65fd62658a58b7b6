/* The desk goes on without network: forms that may wait (data-offline) are kept on the phone and sent by outbox.js.
   Nothing here is needed where there is no service worker: then forms are sent as ever. */
(function () {
  "use strict";
  var body = document.body, me = body.getAttribute("data-account"), url = body.getAttribute("data-outbox");
  var worker = navigator.serviceWorker, words = document.getElementById("outbox-words");
  if (!me || !words || !worker || !window.caches || !window.indexedDB || !window.BroadcastChannel) return;
  var LONGEST = 2048, small = new WeakMap();

  function each(selector, act, within) { Array.prototype.forEach.call((within || document).querySelectorAll(selector), act); }
  function on() { return worker.controller !== null; }
  function say(name) { return document.importNode(words.content.querySelector('[data-is="' + name + '"]'), true); }
  function note(name, kind, alert) {
    var line = say(name);
    line.className = "note " + kind;
    line.setAttribute("role", alert ? "alert" : "status");
    line.setAttribute("data-note", "");
    return line;
  }
  function tell(message) { if (worker.controller) worker.controller.postMessage(message); }
  function clock(moment, element) {
    var then = new Date(moment), today = then.toDateString() === new Date().toDateString();
    element.dateTime = then.toISOString();
    element.textContent = then.toLocaleString(document.documentElement.lang, Object.assign({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, today ? {} : { month: "numeric", day: "numeric" }));
  }

  worker.register(body.getAttribute("data-worker"), { updateViaCache: "none" }).catch(function () {});

  /* A page from the phone says of when it is. */
  var since = Number(document.documentElement.getAttribute("data-kept")), line = document.getElementById("kept");
  if (since) {
    clock(since, line.querySelector("time"));
    line.hidden = false;
  }
  var away = document.querySelector("#offline");
  if (away && on()) away.lastChild.textContent = say("offline").textContent;

  /* The list brings the matters on it along. */
  var list = document.querySelector("[data-keep-rows]");
  if (list && !since) worker.ready.then(function () {
    var paths = [location.pathname, url];
    each('a[href^="/desk/cases/"]', function (a) {
      if (paths.length < 32 && paths.indexOf(a.pathname) < 0) paths.push(a.pathname);
    }, list);
    function ask() { tell({ keep: paths }); }
    if (on()) ask(); else worker.addEventListener("controllerchange", ask, { once: true });
  });

  /* Photos: the longest side 2048, nothing but the picture. What this browser cannot draw goes as it is; the server strips it. */
  function shrink(file) {
    if (small.has(file)) return small.get(file);
    var done = new Promise(function (yes) {
      var img = new Image(), src = URL.createObjectURL(file);
      img.onload = function () {
        var scale = Math.min(1, LONGEST / Math.max(img.naturalWidth, img.naturalHeight)), canvas = document.createElement("canvas");
        canvas.width = Math.max(1, Math.round(img.naturalWidth * scale));
        canvas.height = Math.max(1, Math.round(img.naturalHeight * scale));
        canvas.getContext("2d").drawImage(img, 0, 0, canvas.width, canvas.height);
        URL.revokeObjectURL(src);
        canvas.toBlob(function (blob) { yes(blob || file); }, "image/jpeg", 0.85);
      };
      img.onerror = function () { URL.revokeObjectURL(src); yes(file); };
      img.src = src;
    });
    small.set(file, done);
    return done;
  }
  function photosOf(form) {
    var files = [];
    each("input[type=file]", function (input) { files = files.concat(Array.prototype.slice.call(input.files)); }, form);
    return Promise.all(files.map(shrink));
  }
  function fieldsOf(form) {
    return Array.from(new FormData(form).entries()).filter(function (pair) {
      return typeof pair[1] === "string" && pair[0] !== "csrfmiddlewaretoken";
    });
  }
  /* Every act has a key of its own: the same copy of a page may be used for the next one. */
  function keyed(pair) {
    if (pair[0] !== "_key") return pair;
    return ["_key", Array.from(crypto.getRandomValues(new Uint8Array(16)), function (n) { return (n + 256).toString(16).slice(1); }).join("")];
  }
  /* What was said, as people read it. */
  function wordsOf(form) {
    var said = [];
    each("input:not([type=hidden]):not([type=file]), textarea, select", function (field) {
      var pick = /radio|checkbox/.test(field.type), box = field.closest("fieldset"), head;
      if (!field.value || (pick && !field.checked)) return;
      head = pick ? box && box.querySelector("legend") : form.querySelector('label[for="' + field.id + '"]');
      said.push([head ? head.firstChild.textContent.trim() : "", pick ? field.closest("label").textContent.trim()
        : field.options ? field.options[field.selectedIndex].text : field.value]);
    }, form);
    return said;
  }
  function typed(name) { return name[0] !== "_" && name !== "back" && name !== "f" && name !== "csrfmiddlewaretoken"; }
  function fill(form, fields, photos) {
    each("input[type=radio], input[type=checkbox]", function (field) {
      if (typed(field.name)) field.checked = fields.some(function (p) { return p[0] === field.name && p[1] === field.value; });
    }, form);
    fields.forEach(function (pair) {
      var field = typed(pair[0]) && form.elements[pair[0]];
      if (field && field.tagName && !/radio|checkbox|file/.test(field.type)) field.value = pair[1];
    });
    var input = form.querySelector("input[type=file]");
    if (!input || !photos.length || !window.DataTransfer) return;
    var bag = new DataTransfer();
    photos.forEach(function (blob, n) {
      var file = new File([blob], "photo" + (n + 1) + ".jpg", { type: "image/jpeg" });
      small.set(file, Promise.resolve(blob));
      bag.items.add(file);
    });
    input.files = bag.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function draftId(form) { return me + " " + form.getAttribute("action"); }

  function clear(form) { each("[data-note]", function (old) { old.remove(); }, form); }
  function buttons(form, act) { each("button", act, form); if (form.id) each('button[form="' + form.id + '"]', act); }
  function put(form, element) {
    clear(form);
    form.insertBefore(element, form.firstChild);
    element.tabIndex = -1;
    element.focus();
  }
  function refuse(form, message) {
    var box = document.createElement("div");
    box.className = "refusal";
    box.setAttribute("role", "alert");
    box.setAttribute("data-note", "");
    box.textContent = message || say("answer").textContent;
    put(form, box);
  }
  /* An act that waits stands where its form was. */
  function waits(form, item) {
    var told = note(item.state === "held" ? "held" : "kept", "note-amber"), head = document.createElement("b");
    head.textContent = item.label + " ";
    told.insertBefore(head, told.firstChild);
    each("[data-kept-of='" + item.path + "']", function (old) { old.remove(); });
    told.setAttribute("data-kept-of", item.path);
    form.hidden = true;
    buttons(form, function (b) { b.hidden = true; });
    form.parentNode.insertBefore(told, form);
  }

  function keep(form) {
    var signin;
    if (form.dataset.sent) return;
    form.dataset.sent = "1";
    buttons(form, function (b) { b.disabled = true; });
    function wake() { delete form.dataset.sent; buttons(form, function (b) { b.disabled = false; }); }
    var item = {
      account: me, path: form.getAttribute("action"), page: location.pathname, form: form.id, number: form.dataset.case,
      title: form.dataset.title, label: form.dataset.offline, fields: fieldsOf(form).map(keyed), words: wordsOf(form),
      since: Date.now(), state: "waiting",
    };
    return photosOf(form).then(function (photos) {
      item.photos = photos;
      return Outbox.add(item);
    }).then(function () {
      Outbox.dropDraft(draftId(form));
      worker.ready.then(function (r) { return r.sync && r.sync.register("outbox"); }).catch(function () {});
      return navigator.onLine === false ? null : Promise.race([
        Outbox.flush(url), new Promise(function (yes) { setTimeout(yes, 10000); }),
      ]);
    }).then(function (how) {
      signin = how === "signin";
      return Outbox.get(item.id);
    }).then(function (now) {
      wake();
      if (signin) { location.assign(url); return; } // leads to the sign-in page, and on to what waits
      if (now.state === "sent") { location.assign(now.url); return; }
      if (now.state === "refused") {
        refuse(form, now.message);
        return count();
      }
      clear(form);
      waits(form, now);
      count();
    }).catch(function () {
      wake();
      put(form, note("full", "note-red", true));
    });
  }

  document.addEventListener("submit", function (event) {
    var form = event.target, offline = navigator.onLine === false;
    if (!on() || form.method !== "post") return;
    if (form.dataset.offline) { event.preventDefault(); keep(form); return; }
    if ("signout" in form.dataset) { leave(form, event, offline); return; }
    if (offline) { event.preventDefault(); put(form, note("now", "note-amber", true)); }
  }, true);

  /* Signing out: pages go at once; what has not been sent is told, and waits for its own account. */
  var unsent = 0;
  function leave(form, event, offline) {
    if (offline) {
      event.preventDefault();
      tell({ wipe: true });
      put(form, note("stay", "note-amber", true));
    } else if (unsent && !form.dataset.told) {
      event.preventDefault();
      form.dataset.told = "1";
      put(form, note("signout", "note-amber", true));
    } else Outbox.dropDrafts(me);
  }

  /* Drafts of what is typed and photographed, and what was refused, are given back to their form. */
  each("form[data-offline]", function (form) {
    var timer, said = form.querySelector(".refusal");
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    function later() { dirty = true; clearTimeout(timer); timer = setTimeout(write, 400); }
    function write() {
      if (!on() || form.hidden || form.dataset.sent) return;
      photosOf(form).then(function (photos) {
        return Outbox.keepDraft({ id: draftId(form), account: me, fields: fieldsOf(form), photos: photos, at: Date.now() });
      }).catch(function () {});
    }
    form.giveBack = function (items) {
      var mine = items.filter(function (item) { return item.path === form.getAttribute("action"); });
      var waiting = mine.find(function (item) { return item.state === "waiting" || item.state === "held"; });
      var refused = mine.find(function (item) { return item.state === "refused" || item.state === "old"; });
      if (waiting) { waits(form, waiting); return; }
      if (said) return;
      Outbox.draft(draftId(form)).then(function (draft) {
        var words = draft || refused;
        if (!words) return;
        fill(form, words.fields, words.photos);
        if (refused) {
          for (var fold = form.closest("details"); fold; fold = fold.parentNode.closest("details")) fold.open = true;
          var why = note("again", "note-red");
          why.appendChild(document.createTextNode(refused.message || ""));
          clear(form);
          form.insertBefore(why, form.firstChild);
        }
      });
    };
  });

  /* The strip: how many wait, how many were not done. */
  var dirty = false, strip = document.getElementById("outbox-strip"), first = true;
  function count() {
    return Outbox.mine(me).then(function (items) {
      var of = { waiting: 0, refused: 0 };
      items.forEach(function (item) {
        if (item.state === "waiting") of.waiting += 1; else if (item.state !== "sent") of.refused += 1;
      });
      unsent = of.waiting + of.refused;
      each("[data-of]", function (span) {
        var n = of[span.getAttribute("data-of")];
        span.hidden = !n;
        span.querySelector("b").textContent = n;
      }, strip);
      strip.hidden = !unsent || !!document.getElementById("outbox");
      if (first) { first = false; each("form[data-offline]", function (form) { form.giveBack(items); }); }
      each("[data-kept-of]", function (told) {
        var path = told.getAttribute("data-kept-of");
        var now = items.filter(function (item) { return item.path === path; }).pop();
        if (now && now.state !== "waiting" && told.dataset.state !== now.state) {
          told.dataset.state = now.state;
          told.textContent = now.label + " ";
          told.appendChild(now.state === "sent" || now.state === "held" ? say(now.state) : outcome(now));
        }
      });
      if (panel) draw(items);
      return of.waiting;
    });
  }
  function outcome(item) {
    var a = document.createElement("a");
    a.href = url;
    a.textContent = say("again").textContent + " " + (item.message || "");
    return a;
  }

  /* The page of what waits. */
  var panel = document.getElementById("outbox");
  function draw(items) {
    var box = panel.querySelector("[data-list]"), model = panel.querySelector("template").content;
    box.textContent = "";
    panel.querySelector("[data-none]").hidden = items.length > 0;
    panel.querySelector("[data-send]").hidden = !items.some(function (item) { return item.state === "waiting"; });
    items.forEach(function (item) {
      var row = document.importNode(model, true), card = row.firstElementChild || row.querySelector("li"), why = card.querySelector("[data-why]");
      card.querySelector("[data-label]").textContent = item.label;
      var title = card.querySelector("[data-title]");
      title.textContent = item.title;
      title.href = "/desk/cases/" + item.number + "/";
      each("[data-state]", function (e) { if (e.getAttribute("data-state") !== item.state) e.remove(); }, card);
      clock(item.at || item.since, card.querySelector("time"));
      why.textContent = item.message || say("answer").textContent;
      if (item.state !== "refused") why.remove();
      var said = card.querySelector("[data-words]"), photos = card.querySelector("[data-photos]");
      (item.words || []).forEach(function (pair) {
        var dt = document.createElement("dt"), dd = document.createElement("dd");
        dt.textContent = pair[0];
        dd.textContent = pair[1];
        said.appendChild(dt);
        said.appendChild(dd);
      });
      if (!said.firstChild) said.remove();
      (item.photos || []).forEach(function (blob, n) {
        var img = document.createElement("img");
        img.src = URL.createObjectURL(blob);
        img.onload = function () { URL.revokeObjectURL(img.src); };
        img.alt = String(n + 1);
        img.width = 88;
        photos.appendChild(img);
      });
      if (!photos.firstChild) photos.remove();
      var open = card.querySelector("[data-open]");
      open.href = "/desk/cases/" + item.number + "/#" + item.form;
      if (item.state !== "refused" && item.state !== "old") open.remove();
      each("[data-do]", function (button) {
        var act = button.getAttribute("data-do");
        if (item.state === "sent" || (act === "retry" && item.state === "waiting")) { button.remove(); return; }
        button.addEventListener("click", function () {
          if (act === "retry") { Outbox.again(item.id).then(send); return; }
          if (!button.dataset.asked) { button.dataset.asked = "1"; button.textContent = button.dataset.sure; return; }
          Outbox.discard(item.id).then(count);
        });
      }, card);
      if (!card.querySelector("button, [data-open]")) card.lastElementChild.remove();
      box.appendChild(row);
    });
  }
  if (panel) panel.querySelector("[data-send] button").addEventListener("click", send);

  function send() {
    if (panel) each("[data-how]", function (told) { told.hidden = true; }, panel);
    return Outbox.flush(url).then(function (how) {
      if (how === "signin") { location.assign(url); return; } // leads to the sign-in page and back here
      if (panel) each("[data-how]", function (told) { told.hidden = told.getAttribute("data-how") !== how; }, panel);
      return count();
    });
  }
  function flush() { count().then(function (n) { if (n && navigator.onLine !== false) Outbox.flush(url).then(count); }).catch(function () {}); }
  Outbox.onchange(count);
  /* The network is back: an old picture is drawn anew, unless somebody is writing on it. */
  window.addEventListener("online", function () {
    Outbox.flush(url).then(count).then(function () {
      if (since && panel) line.hidden = true; else if (since && !dirty) location.reload();
    }).catch(function () {});
  });
  document.addEventListener("visibilitychange", function () { if (!document.hidden) flush(); });
  setInterval(function () { if (!document.hidden) flush(); }, 30000);
  Outbox.dropDrafts("").catch(function () {}); // those past their time
  flush();
})();
