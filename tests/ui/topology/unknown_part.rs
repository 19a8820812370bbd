netns_test::topology! {
    struct Net {
        node office.printer { usb0; }
        switch office.lan { a.eth0 }
    }
}

fn main() {}
