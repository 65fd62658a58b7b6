/* The desk without network. Follows outbox.js; `DESK` names the version and the files (desk/offline.py). What a page
   may be kept for, and for whom, its header X-Keep says. */
(function () {
  "use strict";
  var STATIC = "desk-static-" + DESK.version, PAGES = "desk-pages-" + DESK.version + "-", META = "desk-meta";
  var PATIENCE = 4000, MOST = 240, FRESH = 600000, THUMBS = 60;
  var PAGE = /^\/desk\/(cases\/[^/]+\/)?$/, THUMB = /^\/desk\/photos\/[^/]+\/thumb\/$/;

  function kept(path) { return PAGE.test(path) || path === DESK.outbox; }

  self.addEventListener("install", function (event) {
    event.waitUntil(caches.open(STATIC).then(function (box) {
      return box.addAll(DESK.files.concat(DESK.away).map(function (url) { return new Request(url, { cache: "reload" }); }));
    }).then(function () { return self.skipWaiting(); }));
  });
  self.addEventListener("activate", function (event) {
    event.waitUntil(forget(function (name) { return name !== STATIC && name !== META && name.indexOf(PAGES) !== 0; })
      .then(function () { return self.clients.claim(); }));
  });

  function forget(which) {
    return caches.keys().then(function (names) {
      return Promise.all(names.filter(function (name) { return name.indexOf("desk-") === 0 && which(name); })
        .map(function (name) { return caches.delete(name); }));
    });
  }
  function wipe() { return forget(function (name) { return name !== STATIC; }); }
  function account() {
    return caches.open(META).then(function (box) { return box.match("/account"); })
      .then(function (said) { return said ? said.text() : ""; });
  }
  /* Whose phone this is now: pages of anybody else go at once. */
  function belong(ref) {
    return account().then(function (before) {
      if (before === ref) return;
      return forget(function (name) { return name.indexOf("desk-pages-") === 0 && name !== PAGES + ref; })
        .then(function () { return caches.open(META); })
        .then(function (box) { return box.put("/account", new Response(ref)); });
    });
  }

  /* Keeps a copy where the server allows it; a page that is gone is let go of here too. */
  function store(path, answer) {
    var said = (answer.headers.get("X-Keep") || "").split(" ");
    if (answer.status === 404 || answer.status === 410) return account().then(function (ref) {
      return ref ? caches.open(PAGES + ref).then(function (box) { return box.delete(path); }) : null;
    });
    if (answer.status !== 200 || answer.redirected || said.length !== 2) return Promise.resolve();
    var copy = answer.clone();
    return belong(said[0]).then(function () {
      return Promise.all([copy.blob(), caches.open(PAGES + said[0])]);
    }).then(function (got) {
      var headers = { "Content-Type": copy.headers.get("Content-Type"), "X-At": String(Date.now()), "X-Until": String(Date.now() + 1000 * said[1]) };
      var csp = copy.headers.get("Content-Security-Policy");
      if (csp) headers["Content-Security-Policy"] = csp;
      return got[1].put(path, new Response(got[0], { headers: headers }));
    });
  }
  function find(path) {
    return account().then(function (ref) {
      return ref ? caches.open(PAGES + ref).then(function (box) { return box.match(path); }) : null;
    }).then(function (copy) {
      return copy && Number(copy.headers.get("X-Until")) > Date.now() ? copy : null;
    });
  }
  /* What is past its time goes, and the oldest of what is too much. */
  function tidy() {
    return account().then(function (ref) {
      return ref && caches.open(PAGES + ref).then(function (box) {
        return box.keys().then(function (keys) {
          return Promise.all(keys.map(function (key, n) {
            return box.match(key).then(function (copy) {
              var gone = keys.length - n > MOST || !copy || Number(copy.headers.get("X-Until")) <= Date.now();
              return gone ? box.delete(key) : null;
            });
          }));
        });
      });
    });
  }

  /* Pages of the list, one after the other; nobody has read them (Purpose), and a sign-in page ends it. */
  function prefetch(paths, fresh) {
    var path = paths.shift();
    if (!path) return tidy();
    return find(path).then(function (copy) {
      if (copy && !fresh && Date.now() - Number(copy.headers.get("X-At")) < FRESH) return;
      return fetch(path, { headers: { Purpose: "prefetch" }, redirect: "manual", credentials: "same-origin" }).then(function (answer) {
        if (answer.type === "opaqueredirect") { paths.length = 0; return wipe(); }
        var page = answer.clone();
        return store(path, answer).then(function () { return page.status === 200 ? page.text() : ""; }).then(pictures);
      });
    }).then(function () { return prefetch(paths, fresh); }, function () { return tidy(); });
  }
  function pictures(html) {
    var found = html.match(/\/desk\/photos\/[\w-]+\/thumb\//g) || [];
    return found.slice(0, THUMBS).reduce(function (before, path) {
      return before.then(function () { return find(path); }).then(function (copy) {
        return copy ? null : fetch(path, { credentials: "same-origin" }).then(function (answer) { return store(path, answer); });
      });
    }, Promise.resolve());
  }

  function network(request, path, event) {
    var answer = fetch(request);
    // Said at once: a slow answer comes when the page has long been drawn from its copy, and makes the copy new.
    event.waitUntil(answer.then(function (got) { return store(path, got.clone()); }).catch(function () {}));
    return answer;
  }
  function soon(answer) {
    return Promise.race([answer, new Promise(function (_, no) { setTimeout(function () { no(new Error("slow")); }, PATIENCE); })]);
  }
  function marked(copy) {
    return copy.text().then(function (html) {
      var headers = new Headers(copy.headers);
      return new Response(html.replace("<html ", '<html data-kept="' + copy.headers.get("X-At") + '" '), { headers: headers });
    });
  }
  function page(event, url) {
    var clean = !url.search, answer = clean ? network(event.request, url.pathname, event) : fetch(event.request);
    if (!clean) answer.then(function () { return prefetch([url.pathname], true); }, function () {});
    return soon(answer).catch(function () {
      return find(url.pathname).then(function (copy) {
        return copy ? marked(copy) : answer.catch(function () { return caches.match(DESK.away); });
      });
    });
  }

  self.addEventListener("fetch", function (event) {
    var url = new URL(event.request.url), request = event.request;
    if (url.origin !== self.location.origin) return;
    if (request.method === "POST" && url.pathname === DESK.signout) { event.waitUntil(wipe()); return; }
    if (request.method !== "GET") return;
    if (request.mode === "navigate") {
      event.respondWith(kept(url.pathname) ? page(event, url) : fetch(request).then(function (answer) {
        // Being asked to sign in means that the session has ended, here or on the server.
        return url.pathname === DESK.signin && answer.status === 200 ? wipe().then(function () { return answer; }) : answer;
      }).catch(function () { return caches.match(DESK.away); }));
    } else if (DESK.files.indexOf(url.pathname) >= 0) {
      event.respondWith(caches.match(request, { ignoreSearch: true }).then(function (copy) { return copy || fetch(request); }));
    } else if (THUMB.test(url.pathname)) {
      event.respondWith(find(url.pathname).then(function (copy) { return copy || network(request, url.pathname, event); }));
    }
  });

  self.addEventListener("message", function (event) {
    if (event.data.wipe) event.waitUntil(wipe());
    if (event.data.keep) event.waitUntil(prefetch(event.data.keep.slice(0, 40), event.data.fresh));
  });
  self.addEventListener("sync", function (event) {
    if (event.tag === "outbox") event.waitUntil(self.Outbox.flush(DESK.outbox).then(function (how) {
      if (how === "away" || how === "broken") throw new Error(how); // the browser tries again later
    }));
  });
})();
