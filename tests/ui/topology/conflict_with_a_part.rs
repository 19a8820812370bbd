netns_test::topology! {
    struct Office {
        node printer { eth0: "10.0.0.9/24"; }
        node desk { eth0: "10.0.0.1/24"; }
        switch lan { printer.eth0, desk.eth0 }
    }
}

netns_test::topology! {
    struct Floor {
        use Office as office;
        node laptop { eth0: "10.0.0.9/24"; wifi: "10.0.1.1/24"; }
        switch office.lan { laptop.eth0 }
        link laptop.wifi -- office.printer.eth0;
    }
}

fn main() {}
