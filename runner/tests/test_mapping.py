# SPDX-License-Identifier: GPL-2.0
"""What a failed check tells programs."""

import json
import unittest

import replay  # noqa: F401  pylint: disable=unused-import
import ktap
import mapping

HEAD = "HELPER, shared: gpa 0x100000000 stride 0x1000 nr "

CASE = """KTAP version 1
1..1
# selftests: kvm: map_test
  TAP version 13
  1..2
  #  RUN           page.default_vm.bad ...
  # tdp-vm: default
  # tdp-vm: sw_protected
  # tdp-vm: default
  # x86_64/map_test.c:9:bad:Wanted -ENOENT, got level 1 (4K)
  # tdp-map: HELPER, shared: gpa 0x100000000 stride 0x1000 nr 2: 1*- 1*->4K@1f
  # tdp-map: HELPER, private: gpa 0x100000000 stride 0x1000 nr 2: 2*-
  # tdp-map: this is no map
  # bad: Test failed
  not ok 1 page.default_vm.bad
  #  RUN           page.default_vm.good ...
  #            OK  page.default_vm.good
  ok 2 page.default_vm.good
not ok 1 selftests: kvm: map_test # exit=1
"""


class Lines(unittest.TestCase):
    """Lines of include/tdp_map.h of the collection."""

    def test_runs(self) -> None:
        """Everything that a line may hold."""
        found = mapping.parse(HEAD + "7: 1*4K@1a2 1*4K@7f>- 1*4K.pending@7f "
                              "1*-@12>-95 1*4K@* 1*2M@none 1*L7@3>1G@40000")
        self.assertIsNotNone(found)
        self.assertEqual((found.gpa, found.stride, found.count),
                         (1 << 32, 4096, 7))
        self.assertEqual([run.differs for run in found.runs],
                         [False, True, False, True, False, False, True])
        self.assertEqual([run.want.pfn for run in found.runs],
                         [0x1a2, 0x7f, 0x7f, 0x12, None, None, 3])
        self.assertEqual([run.got.name() for run in found.runs],
                         ["4K", "-ENOENT", "4K pending", "errno 95", "4K",
                          "2M", "1G"])
        again = json.loads(json.dumps(mapping.to_json(found)))
        self.assertEqual(mapping.from_json(again), found)

    def test_cut(self) -> None:
        """What grew too long says so, and for how many pages it speaks."""
        found = mapping.parse(HEAD + "128: 1*4K@1a2>- 3*- ...")
        self.assertEqual((found.count, found.told), (128, 4))

    def test_no_map(self) -> None:
        """What makes no sense is no map."""
        for runs in ("2: 1*-", "1: 2*-", "1: 0*-", "1: 1*5K@1", "1: 1*4K@x",
                     "1: 1*->", "1: 1*->->-", "1: - ...", "x: 1*-", "1:1*-",
                     f"1: {'9' * 99}*-", "1: 1*4K@" + "f" * 99, "1: ... 1*-"):
            with self.subTest(runs=runs):
                self.assertIsNone(mapping.parse(HEAD + runs))
        self.assertIsNone(mapping.parse(""))
        self.assertIsNone(mapping.parse("gpa 0x0 stride 0x0 nr 1: 1*-"))

    def test_case(self) -> None:
        """They belong to the message before, and are no message themselves."""
        lines, rest = ktap.split_lines(CASE.encode())
        test = ktap.parse(((line, None) for line in lines), rest).tests[0]
        bad, good = test.cases
        self.assertEqual(bad.vm_types, ["default", "sw_protected"])
        self.assertEqual([found.where for found in bad.maps],
                         ["HELPER, shared", "HELPER, private"])
        self.assertEqual({found.message for found in bad.maps},
                         {"# x86_64/map_test.c:9:bad:Wanted -ENOENT, got "
                          "level 1 (4K)"})
        self.assertEqual(bad.messages[1:], ["# tdp-map: this is no map",
                                            "# bad: Test failed"])
        self.assertEqual((good.vm_types, good.maps), ([], []))

    def test_module(self) -> None:
        """A test tells of the TDX module: a fact of the host, no message."""
        text = CASE.replace("  # tdp-map: this is no map\n",
                            "  # tdp-module: 1.5.16 build 744 20250131\n")
        lines, rest = ktap.split_lines(text.encode())
        log = ktap.parse(((line, None) for line in lines), rest)
        self.assertEqual(log.facts, {"tdx-module": "1.5.16",
                                     "tdx-build": "744 20250131"})
        self.assertEqual(len(log.tests[0].cases[0].messages), 2)

    def test_flood(self) -> None:
        """A case that tells maps without end does not fill the memory."""
        line = "  # tdp-map: " + HEAD + "1: 1*->4K@1f\n"
        text = CASE.replace("  # tdp-map: this", line * 999 + "  # tdp-map: t")
        lines, rest = ktap.split_lines(text.encode())
        test = ktap.parse(((line, None) for line in lines), rest).tests[0]
        self.assertEqual(len(test.cases[0].maps), ktap.MAX_MAPS)
