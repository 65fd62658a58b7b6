/* Acts and drafts kept on this phone, and how they are sent: the same for pages and for the service worker. */
(function (self) {
  "use strict";
  var DAY = 864e5, TRY = 7 * DAY, KEEP = 30 * DAY; // the server knows a key for 8 days (cases/once.py)
  var MOST = 50, BYTES = 60 * 1024 * 1024, PATIENCE = 8000, UPLOAD = 90000;
  var opened, running;

  function open() {
    opened = opened || new Promise(function (yes, no) {
      var ask = indexedDB.open("weilianxin-desk", 1);
      ask.onupgradeneeded = function () {
        ask.result.createObjectStore("acts", { keyPath: "id", autoIncrement: true });
        ask.result.createObjectStore("drafts", { keyPath: "id" });
      };
      ask.onsuccess = function () { yes(ask.result); };
      ask.onerror = function () { opened = null; no(ask.error); };
    });
    return opened;
  }
  function work(name, mode, act) {
    return open().then(function (db) {
      return new Promise(function (yes, no) {
        var change = db.transaction(name, mode), ask = act(change.objectStore(name));
        change.oncomplete = function () { yes(ask && ask.result); };
        change.onabort = change.onerror = function () { no(change.error || (ask && ask.error)); };
      });
    });
  }
  var all = function (name) { return work(name, "readonly", function (s) { return s.getAll(); }); };
  var put = function (name, row) { return work(name, "readwrite", function (s) { return s.put(row); }); };
  var drop = function (name, id) { return work(name, "readwrite", function (s) { return s.delete(id); }); };

  function size(rows) {
    return rows.reduce(function (sum, row) {
      return (row.photos || []).reduce(function (n, photo) { return n + photo.size; }, sum);
    }, 0);
  }
  var channel = self.BroadcastChannel ? new BroadcastChannel("weilianxin-outbox") : null;
  function changed() { if (channel) channel.postMessage("changed"); }

  /* One sender at a time, whichever page or worker it is; where a browser has no locks the key of the form guards. */
  function alone(act) {
    if (self.navigator.locks) return self.navigator.locks.request("weilianxin-outbox", act);
    running = (running || Promise.resolve()).then(act, act);
    return running;
  }

  function ask(url, options, patience) {
    var stop = new AbortController(), timer = setTimeout(function () { stop.abort(); }, patience);
    options.headers = Object.assign({ Accept: "application/json" }, options.headers);
    options.signal = stop.signal;
    options.credentials = "same-origin";
    options.cache = "no-store";
    return fetch(url, options).then(function (answer) {
      var said = /json/.test(answer.headers.get("Content-Type") || "");
      return (said ? answer.json() : Promise.resolve(null)).then(function (body) {
        return { status: answer.status, body: body };
      });
    }).catch(function () { return { status: 0, body: null }; }).then(function (all) { clearTimeout(timer); return all; });
  }

  /* {status, body}: status 0 without network; body.account and body.csrf when somebody is signed in. */
  function who(outbox) { return ask(outbox, {}, PATIENCE); }

  function post(item, csrf) {
    var form = new FormData();
    item.fields.forEach(function (pair) { form.append(pair[0], pair[1]); });
    item.photos.forEach(function (photo, n) { form.append("photos", photo, "photo" + (n + 1) + ".jpg"); });
    form.append("_account", item.account);
    return ask(item.path, { method: "POST", body: form, headers: { "X-CSRFToken": csrf } }, UPLOAD);
  }

  /* Sends what waits for the account that is signed in, in order; stops at the first sign that there is no network or
     that somebody has to sign in. A refusal keeps its words, and holds back what was to follow on the same matter; what
     the server fails at waits, and only what is to follow on the same matter with it. */
  function flush(outbox) {
    return alone(function () {
      return who(outbox).then(function (me) {
        if (!me.body || !me.body.account) return me.status === 401 ? "signin" : "away";
        return mine(me.body.account).then(function (items) { return next(items, me.body.csrf, {}, {}); });
      });
    }).then(function (how) { changed(); return how; });
  }
  function next(items, csrf, blocked, broken) {
    var item = items.shift();
    if (!item) return Object.keys(broken).length ? "broken" : "done";
    function on() { return next(items, csrf, blocked, broken); }
    function stop(facts) { // what was written before anybody knew of it is held back
      Object.assign(item, facts, { at: Date.now() });
      blocked[item.number] = item.at;
    }
    if (item.state !== "waiting") {
      if (item.state !== "sent") blocked[item.number] = Math.max(item.at, blocked[item.number] || 0);
      return on();
    }
    if (broken[item.number]) return on();
    if (blocked[item.number] > item.since) { stop({ state: "held" }); return put("acts", item).then(on); }
    return post(item, csrf).then(function (answer) {
      var error = answer.body && answer.body.error;
      if (answer.body && answer.body.done) {
        Object.assign(item, { state: "sent", at: Date.now(), url: answer.body.url, fields: [], photos: [], words: [] });
      } else if (error && answer.status >= 400 && answer.status < 500 && [401, 403, 408, 425, 429].indexOf(answer.status) < 0) {
        stop({ state: "refused", message: error.message });
      } else if (answer.status === 413 || answer.status === 400) { // said by something in between
        stop({ state: "refused", message: "" });
      } else if (error && answer.status === 500) { // ours, and perhaps only this one's
        broken[item.number] = true;
        return on();
      } else return answer.status === 401 ? "signin" : "away";
      return put("acts", item).then(changed).then(on);
    });
  }

  /* The acts of one account, oldest first; what is too old is let go of on the way. */
  function mine(account) {
    var now = Date.now();
    return all("acts").then(function (items) {
      return Promise.all(items.map(function (item) {
        var age = now - item.since;
        if (age > KEEP || (item.state === "sent" && now - item.at > DAY)) return drop("acts", item.id);
        if (item.state === "waiting" && age > TRY) { item.state = "old"; item.at = now; return put("acts", item).then(function () { return item; }); }
        return item;
      }));
    }).then(function (items) {
      return items.filter(function (item) { return item && item.account === account; }).sort(function (a, b) { return a.id - b.id; });
    });
  }

  self.Outbox = {
    flush: flush,
    mine: mine,
    changed: changed,
    onchange: function (tell) { if (channel) channel.addEventListener("message", tell); },
    get: function (id) { return work("acts", "readonly", function (s) { return s.get(id); }); },
    /* Writes an act down; an Error named "full" when the phone has no room. What it replaces goes. */
    add: function (item) {
      return all("acts").then(function (items) {
        var others = items.filter(function (old) {
          return !(old.account === item.account && old.path === item.path && old.state !== "waiting");
        });
        var kept = others.filter(function (old) { return old.state !== "sent"; });
        if (kept.length >= MOST || size(kept) + size([item]) > BYTES) throw Object.assign(new Error(), { name: "full" });
        return put("acts", item).then(function (id) {
          item.id = id;
          return Promise.all(items.map(function (old) { return others.indexOf(old) < 0 ? drop("acts", old.id) : 0; }));
        });
      }).then(function () { changed(); return item; }, function (error) {
        throw error.name === "QuotaExceededError" ? Object.assign(new Error(), { name: "full" }) : error;
      });
    },
    again: function (id) {
      return alone(function () {
        return work("acts", "readonly", function (s) { return s.get(id); }).then(function (item) {
          return item && put("acts", Object.assign(item, { state: "waiting", message: "", since: Date.now() }));
        });
      });
    },
    discard: function (id) { return alone(function () { return drop("acts", id); }).then(changed); },
    draft: function (id) { return work("drafts", "readonly", function (s) { return s.get(id); }); },
    keepDraft: function (row) {
      return all("drafts").then(function (rows) {
        var others = rows.filter(function (old) { return old.id !== row.id; });
        if (size(others) + size([row]) > BYTES) row.photos = [];
        return put("drafts", row);
      });
    },
    dropDraft: function (id) { return drop("drafts", id); },
    dropDrafts: function (account) {
      return all("drafts").then(function (rows) {
        var limit = Date.now() - TRY;
        return Promise.all(rows.map(function (row) {
          return row.account === account || row.at < limit ? drop("drafts", row.id) : 0;
        }));
      });
    },
  };
})(self);
