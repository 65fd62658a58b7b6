/* Makes pages quicker and kinder; every page works without it. */
(function () {
  "use strict";
  var root = document.documentElement;
  root.className += " js";

  function each(selector, act, within) {
    Array.prototype.forEach.call((within || document).querySelectorAll(selector), act);
  }

  /* A form is sent once, however often the button is pressed; the server guards it as well. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    forget(form);
    setTimeout(function () { each("button", function (b) { b.disabled = true; }, form); }, 0);
    setTimeout(function () { wake(form); }, 15000);
  });
  function wake(form) {
    delete form.dataset.sent;
    each("button", function (b) { b.disabled = false; }, form);
  }
  window.addEventListener("pageshow", function (event) { if (event.persisted) each("form", wake); });

  /* Wide tables: every cell knows the head of its column, so that a phone can show a row as a list. */
  each(".tbl-scroll .tbl:not(.limits)", function (table) {
    each("tbody tr", function (row) {
      each("td", function (cell, n) {
        var head = table.tHead.rows[0].cells[n];
        if (head && cell.colSpan === 1) cell.setAttribute("data-h", head.textContent);
      }, row);
    }, table);
    table.className += " tbl-named";
  });

  /* Photos: show what was chosen, at once. */
  each("[data-photos] input[type=file]", function (input) {
    var box = input.closest("[data-photos]"), label = input.closest("label");
    input.addEventListener("focus", function () { label.classList.add("on"); });
    input.addEventListener("blur", function () { label.classList.remove("on"); });
    input.addEventListener("change", function () {
      each("[data-preview]", function (old) { old.remove(); }, box);
      Array.prototype.forEach.call(input.files, function (file, n) {
        var figure = document.createElement("figure"), img = document.createElement("img");
        var caption = document.createElement("figcaption");
        figure.className = "photo";
        figure.setAttribute("data-preview", "");
        img.alt = file.name;
        img.src = URL.createObjectURL(file);
        img.onload = function () { URL.revokeObjectURL(img.src); };
        caption.textContent = n + 1;
        figure.appendChild(img);
        figure.appendChild(caption);
        box.insertBefore(figure, label);
      });
    });
  });

  /* Words typed stay in this tab until they have arrived: where signing in came between, they are given back. */
  function store() { try { return window.sessionStorage; } catch (e) { return null; } }
  function name(field) { return "draft:" + location.pathname + ":" + (field.form.action || "") + ":" + field.name; }
  function forget(form) {
    var kept = store();
    if (kept) each("[data-draft]", function (field) {
      if (field.value) kept.setItem("sent:" + name(field), field.value);
      kept.removeItem(name(field));
    }, form);
  }
  function arrive() {
    var kept = store();
    if (kept) Object.keys(kept).forEach(function (key) {
      if (key.indexOf("sent:") !== 0) return;
      if (/\/signin\/$/.test(location.pathname)) kept.setItem(key.slice(5), kept.getItem(key));
      kept.removeItem(key);
    });
  }
  arrive();
  each("[data-draft]", function (field) {
    var kept = store();
    if (!kept || !field.form) return;
    if (!field.value) field.value = kept.getItem(name(field)) || "";
    field.addEventListener("input", function () { kept.setItem(name(field), field.value); });
  });

  /* Read the page aloud, where the phone can. */
  if ("speechSynthesis" in window) {
    each("[data-read]", function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        var voice = window.speechSynthesis;
        if (voice.speaking) { voice.cancel(); return; }
        var what = document.querySelector(button.getAttribute("data-read")) || document.getElementById("main");
        var say = new SpeechSynthesisUtterance(what.innerText);
        say.lang = root.lang;
        say.rate = 0.9;
        voice.speak(say);
      });
    });
  }

  /* Where I stand: asked only when the button is pressed. */
  if (navigator.geolocation) {
    each("[data-locate]", function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        var form = button.form || button.closest("form"), told = form.querySelector("[data-located]");
        button.disabled = true;
        navigator.geolocation.getCurrentPosition(function (position) {
          button.disabled = false;
          form.querySelector("[name=lat]").value = position.coords.latitude.toFixed(6);
          form.querySelector("[name=lon]").value = position.coords.longitude.toFixed(6);
          if (told) { told.hidden = false; told.focus(); }
        }, function () {
          button.disabled = false;
          var sorry = form.querySelector("[data-unlocated]");
          if (sorry) sorry.hidden = false;
        }, { enableHighAccuracy: true, timeout: 10000, maximumAge: 60000 });
      });
    });
  }

  /* On a phone the rail is wider than the screen where one has many pages: begin at the one that is open. */
  var here = document.querySelector(".rail [aria-current]");
  if (here) here.parentNode.parentNode.scrollLeft = here.parentNode.offsetLeft - (innerWidth - here.parentNode.offsetWidth) / 2;

  each("[data-print]", function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });

  /* After a refusal the reader begins at its sentence. */
  var first = document.querySelector("[data-focus]");
  if (first) first.focus();

  /* No network: say so, and whose fault it is not. */
  var offline = document.getElementById("offline");
  function tell() { if (offline) offline.hidden = navigator.onLine !== false; }
  window.addEventListener("online", tell);
  window.addEventListener("offline", tell);
  tell();
})();
