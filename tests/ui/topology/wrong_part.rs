netns_test::topology! {
    struct Office {
        node printer { lo: "10.0.0.1"; }
    }
}

netns_test::topology! {
    struct Floor {
        use Office as office;
        node laptop { eth0: "10.0.0.1/24"; }
        node office.pritner { usb0; }
    }
}

fn main() {}
