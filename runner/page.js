/* SPDX-License-Identifier: GPL-2.0 */
/* A link to what is folded unfolds it; on paper nothing is folded. */
(function () {
	function reveal() {
		var at = location.hash && document.getElementById(location.hash.slice(1));

		for (var el = at; el; el = el.parentElement)
			if (el.tagName === "DETAILS")
				el.open = true;
		if (at)
			at.scrollIntoView();
	}

	addEventListener("hashchange", reveal);
	addEventListener("beforeprint", function () {
		document.querySelectorAll("details.case").forEach(function (el) {
			el.open = true;
		});
	});
	reveal();
})();
