"""What a profile is: plain, frozen data that every other layer shares."""
