/* The queue opens a case beside the list; on a narrow screen the link leads to the case's own page instead. */
(function () {
  "use strict";
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (window.innerWidth < 1024) {
      event.preventDefault();
      window.location.href = event.target.href;
    }
  });
  document.addEventListener("htmx:afterSwap", function (event) {
    var open = document.getElementById("open");
    if (event.target !== open) return;
    open.classList.remove("folded");
    var number = event.detail.requestConfig.elt.getAttribute("data-number");
    Array.prototype.forEach.call(document.querySelectorAll(".queue li"), function (item) {
      var link = item.querySelector("a");
      var on = link.getAttribute("data-number") === number;
      item.className = on ? "on" : "";
      if (on) { link.setAttribute("aria-current", "true"); } else { link.removeAttribute("aria-current"); }
    });
    var heading = open.querySelector("h2");
    if (heading) { heading.setAttribute("tabindex", "-1"); heading.focus(); }
  });
})();
