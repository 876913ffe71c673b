# Makes cn.toml, the subscribers of the demo town: 1,200 people with numbers of their own, and
# the ranges around them. It gives the same file everywhere.
#
#     awk -f board/sim/people/cn.awk > board/sim/people/cn.toml

# Park and Miller: every product fits into the 53 bits of a number in awk.
function draw(n) {
    seed = (seed * 16807) % 2147483647
    return seed % n
}

function span(low, steps) {
    low = low + 100 * draw(steps)
    return "[" low ", " (low + 500 + 100 * draw(80)) "]"
}

function kind_of(part) {
    if (part < 40) return "worker"
    if (part < 55) return "home"
    if (part < 67) return "night"
    if (part < 77) return "mailbox"
    if (part < 83) return "chatty"
    if (part < 88) return "cautious"
    if (part < 92) return "music"
    if (part < 95) return "presser"
    if (part < 97) return "off"
    if (part < 99) return "moved"
    return "dead"
}

function kind(name, about) {
    print "\n[[kind]]" (about == "" ? "" : "  # " about)
    print "name = \"" name "\""
}

BEGIN {
    seed = 20261120
    print "# The subscribers of the demo town. Made by cn.awk, which see; a file of one's own is"
    print "# named by town.people in the model."
    print "#"
    print "# [[kind]] has fields that many share, [[subscriber]] the people, each with `numbers` and what"
    print "# differs from its `kind`. The fields are those of [[town.subscriber]] in demo.toml. At most"
    print "# 10,000 entries. People here sleep badly: a demo is shown at night too."
    print ""
    print "subscriber = ["
    for (n = 0; n < 1200; n++) {
        # The sample list goes through the range in this step, so that its people are among these.
        number = sprintf("+861380000%04d", n * 4801 % 10000)
        own = ""
        which = kind_of(draw(100))
        if (draw(3) == 0) own = own ", ring_ms = " span(1500, 60)
        if (draw(6) == 0) own = own ", talk_ms = " span(5000, 200)
        if (draw(10) == 0) own = own ", colour_ring = true"
        print "  { numbers = \"" number "\", kind = \"" which "\"" own " },"
    }
    print "  { numbers = \"+861080000000-80000999\", kind = \"office\" },"
    print "  { numbers = \"+861080001000-80001099\", kind = \"crowded\" },"
    print "  { numbers = \"+861080009000-80009999\", kind = \"vacant\" },"
    print "  { numbers = \"+86139\", kind = \"worker\" },"
    print "  { numbers = \"+86137\", kind = \"home\" },"
    print "]"

    kind("worker", "a mobile telephone: seldom at night, less at work, most in the evening")
    print "answer = ["
    print "  0.35, 0.30, 0.30, 0.30, 0.30, 0.35, 0.45, 0.55, 0.60, 0.55, 0.55, 0.60,"
    print "  0.70, 0.65, 0.55, 0.55, 0.60, 0.65, 0.75, 0.78, 0.75, 0.65, 0.50, 0.40,"
    print "]"
    print "busy = 0.08\nrefuse = 0.08\nmachine = 0.05"

    kind("home", "somebody is there from morning to night")
    print "answer = 0.80\nhours = [[0, 7, 0.3], [7, 9, 0.6], [22, 24, 0.4]]\nbusy = 0.10\nrefuse = 0.03"
    print "ring_ms = [3000, 15000]"

    kind("night", "works when others sleep")
    print "answer = 0.35\nhours = [[18, 24, 0.8], [0, 5, 0.8]]\nbusy = 0.05\nrefuse = 0.10"

    kind("mailbox", "mostly a machine")
    print "answer = 0.20\nmachine = 0.70\nring_ms = [12000, 20000]\ntalk_ms = [15000, 30000]"

    kind("chatty", "talks for a while; a simulated agent never hangs up first")
    print "answer = 0.75\nhours = [[0, 8, 0.4]]\nbusy = 0.20\ntalk_ms = [30000, 120000]"

    kind("cautious", "refuses what is not known, or hangs up soon")
    print "answer = 0.40\nhours = [[0, 8, 0.2]]\nrefuse = 0.50\nring_ms = [800, 4000]\ntalk_ms = [2000, 6000]"

    kind("music", "has bought music for its callers")
    print "answer = 0.65\nhours = [[0, 8, 0.3]]\nbusy = 0.10\ncolour_ring = true\nring_ms = [4000, 20000]"

    kind("presser", "presses keys when there is a voice")
    print "answer = 0.80\nhours = [[0, 8, 0.4]]\nkeys = [[3000, \"1\"], [7000, \"2#\"]]"

    kind("off", "the telephone is switched off")
    print "unallocated = 1.0\ncause = 20\ndead_by = \"progress\""

    kind("moved", "the number has changed")
    print "unallocated = 1.0\ncause = 22\ndead_by = \"disconnect\""

    kind("dead", "nobody has this number any more")
    print "unallocated = 1.0\ncause = 1\ndead_by = \"disconnect\"\ndead_says = \"tone\""

    kind("office", "a company: all there from nine to six, with a lunch")
    print "answer = 0.02\nhours = [[9, 12, 0.9], [12, 14, 0.3], [14, 18, 0.9]]\nbusy = 0.05"
    print "ring_ms = [1500, 6000]\nring_back = true"

    kind("crowded", "an exchange that has too few lines")
    print "answer = 0.30\ncongested = 0.60"

    kind("vacant", "a range that was never given out")
    print "unallocated = 1.0"
}
