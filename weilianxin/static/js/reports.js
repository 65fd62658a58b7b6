/* Makes 我要报事 quicker; every page works without it. */
(function () {
  "use strict";
  function each(selector, act) { Array.prototype.forEach.call(document.querySelectorAll(selector), act); }

  /* What was chosen is sent at once: photos to the draft, a compound to get its buildings. */
  each("[data-send]", function (input) {
    input.addEventListener("change", function () {
      var button = document.getElementById(input.getAttribute("data-send"));
      if (button && (input.type !== "file" || input.files.length)) button.click();
    });
  });

  /* Whoever fills in one way of saying where means that way. */
  each("[data-way]", function (field) {
    function pick() {
      var radio = document.querySelector('[name="where"][value="' + field.getAttribute("data-way") + '"]');
      if (radio) radio.checked = true;
    }
    field.addEventListener(field.tagName === "BUTTON" ? "click" : "input", pick);
  });

  /* A complaint is asked what it is about. */
  var about = document.getElementById("about");
  each("[name=kind]", function (radio) {
    radio.addEventListener("change", function () {
      if (about) about.hidden = radio.value !== "投诉" && radio.value !== "举报";
    });
  });

  /* While one writes: the numbers to dial, and what it seems to be about. Nothing is kept on the way. */
  var text = document.querySelector("[data-guess]"), timer, last = "";
  if (text && window.fetch && window.FormData) {
    text.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(ask, 900); });
  }
  function ask() {
    var said = text.value.trim(), chosen = document.querySelector("[name=category]:checked");
    if (said.length < 5 || said === last) return;
    last = said;
    var data = new FormData();
    data.append("text", said);
    data.append("category", chosen ? chosen.value : "");
    data.append("csrfmiddlewaretoken", text.form.querySelector("[name=csrfmiddlewaretoken]").value);
    fetch(text.getAttribute("data-guess"), { method: "POST", body: data, credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (html) {
        if (!html) return;
        var page = new DOMParser().parseFromString(html, "text/html");
        ["guess", "dial"].forEach(function (id) {
          var fresh = page.getElementById(id), old = document.getElementById(id);
          if (fresh && old && fresh.innerHTML !== old.innerHTML) old.innerHTML = fresh.innerHTML;
        });
      })
      .catch(function () {});
  }

  /* While somebody speaks: what the whole form so far seems to be about, where it is and what is near. */
  var form = document.querySelector("[data-look]"), wait, seen = "";
  if (form && window.fetch && window.FormData) {
    form.addEventListener("input", function (event) {
      if (event.target.type !== "file") { clearTimeout(wait); wait = setTimeout(look, 900); }
    });
  }
  function look() {
    var data = new FormData(form), box = document.getElementById("look");
    data.delete("photos");
    var now = ["text", "place", "category", "phone"].map(function (name) { return data.get(name) || ""; }).join("|");
    if (now === seen || !box) return;
    seen = now;
    fetch(form.getAttribute("data-look"), { method: "POST", body: data, credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (html) { if (html && !box.contains(document.activeElement)) box.innerHTML = html; })
      .catch(function () {});
  }
})();
